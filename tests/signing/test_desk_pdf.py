"""PDF over HTTP: what is seen, what is locked, a field by its name, and a password that is kept nowhere."""

from __future__ import annotations

import base64
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from PIL import Image
from signing_desk import OTHER, encoded, post
from signing_house import TEXT, house, pdf
from sqlalchemy import text

from trustworks.formats.data import Octets, Protected
from trustworks.formats.read import read
from trustworks.signing import wire

if TYPE_CHECKING:
    from trustworks.core.store import Database
    from trustworks.signing.desk import Desk

LARGE = "AAAA" * 3_000_000
PASSWORD = "only this test's"


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (2, 1), "red").save(out, "PNG")
    return out.getvalue()


def body(content: bytes | None = None, password: str | None = None, **pades: Any) -> dict[str, Any]:
    document = {"content": encoded(pdf().octets() if content is None else content), "name": "a.pdf"}
    secret = {} if password is None else {"password": password}
    return {"seal": "main", "format": "pades", "documents": [document | secret], "pades": pades}


def field_of(answer: dict[str, Any]) -> tuple[list[float], str, object]:
    """Of the field that was signed: its rectangle, what is read out in its place, and what it locks."""
    with pikepdf.open(io.BytesIO(base64.b64decode(answer["content"]))) as found:
        (one,) = (one for one in found.Root.AcroForm.Fields if "/Lock" in one or "/TU" in one)
        lock = one.get("/Lock")
        locks = lock and (str(lock.Action), [str(name) for name in lock.get("/Fields", [])])
        return [float(side) for side in one.Rect], str(one.get("/TU")), locks


def locked() -> bytes:
    with pikepdf.open(io.BytesIO(pdf().octets())) as found:
        out = io.BytesIO()
        found.save(out, encryption=pikepdf.Encryption(owner="owner", user=PASSWORD))
    return out.getvalue()


def test_a_seal_is_visible_where_it_was_said(desk: Desk) -> None:
    visible = {"text": "Sealed", "image": encoded(png()), "rectangle": [60, 70, 100, 80], "page": -1}
    status, told = post(desk, "/seals", body(visible=visible | {"alternative": "A seal"}))
    assert status == 200, told
    assert field_of(told) == ([60, 70, 160, 150], "A seal", None)


@pytest.mark.parametrize(
    ("lock", "found"),
    [
        ({"include": ["amount", "Seal"]}, ("/Include", ["amount", "Seal"])),
        ({"exclude": ["amount"]}, ("/Exclude", ["amount"])),
        ({"all": True}, ("/All", [])),
    ],
)
def test_fields_are_locked_and_the_document_certified(desk: Desk, lock: object, found: object) -> None:
    status, told = post(desk, "/seals", body(lock=lock, certify="forms", field="Seal"))
    assert status == 200, told
    assert field_of(told)[2] == found


@pytest.mark.req("TRUSTWORKS:PDF-LOCK-KNOWN")
@pytest.mark.parametrize("kind", ["include", "exclude"])
def test_a_field_that_is_not_there_is_not_locked(desk: Desk, kind: str) -> None:
    status, told = post(desk, "/seals", body(lock={kind: ["nope"]}))
    assert status == 422
    assert "no such field. It has 'amount'." in told["detail"]


def test_three_steps_make_a_visible_signature_in_a_field_that_is_there(desk: Desk) -> None:
    person = house().person()
    with pikepdf.open(io.BytesIO(pdf().octets())) as made:
        name, rectangle = pikepdf.Name, pikepdf.Array([10, 20, 110, 60])
        widget = pikepdf.Dictionary(
            Type=name.Annot, Subtype=name.Widget, FT=name.Sig, T="Here", Rect=rectangle
        )
        annotation = made.make_indirect(widget)
        made.pages[0].Annots = pikepdf.Array([annotation])
        made.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([annotation]), SigFlags=1)
        out = io.BytesIO()
        made.save(out)
    wanted = body(out.getvalue(), field="Here", visible={"text": "Signed"})
    del wanted["seal"]
    wanted["certificates"] = [encoded(one) for one in person.signer.certificates]
    status, told = post(desk, "/signing/prepare", wanted, OTHER)
    assert status == 200, told
    value = person.sign(base64.b64decode(told["data_to_be_signed"]))
    last = {"prepared": told["prepared"], "value": encoded(value), "documents": wanted["documents"]}
    status, told = post(desk, "/signing/complete", last, OTHER)
    assert (status, told.get("level")) == (200, "PAdES-BASELINE-B")
    assert field_of(told) == ([10, 20, 110, 60], "Signed", None)


@pytest.mark.parametrize(
    ("pades", "status", "words"),
    [
        ({"visible": {"rectangle": [1, 2, 30, 40]}}, 400, "go with text or image"),
        ({"visible": {"alternative": "x"}}, 400, "go with text or image"),
        ({"visible": {"text": "x"}}, 400, "Say where the signature is visible: pades.visible.rectangle"),
        ({"visible": {"text": "x", "page": 1}, "field": "f"}, 400, "Say where"),
        ({"visible": {"text": "x", "corner": "top-left"}, "field": "f"}, 400, "Say where"),
        ({"visible": {"text": "x", "rectangle": [1, 2, 3]}}, 400, "pades.visible.rectangle"),
        ({"visible": {"text": "x", "rectangle": [0, 0, 0, 0]}}, 422, "is no place for a signature"),
        ({"visible": {"text": "x", "rectangle": [1, 2, 30, 40], "page": 99}}, 422, "page"),
        ({"visible": {"image": "AAAA", "rectangle": [1, 2, 30, 40]}}, 422, "PNG"),
        (
            {"visible": {"image": LARGE, "rectangle": [1, 2, 30, 40]}},
            400,
            "8388608 are the most",
        ),
        (
            {"lock": {"include": ["a"], "all": True}},
            400,
            "Give one of include, exclude and all",
        ),
        ({"certify": "all"}, 400, "pades.certify"),
    ],
)
def test_what_cannot_be_in_a_pdf_is_told_where(
    desk: Desk, pades: dict[str, Any], status: int, words: str
) -> None:
    found, told = post(desk, "/seals", body(**pades))
    assert found == status
    assert words in told["detail"]


def test_an_encrypted_pdf_is_sealed_and_augmented_with_its_password(desk: Desk) -> None:
    status, told = post(desk, "/seals", body(locked()))
    assert (status, "password" in told["detail"]) == (422, True)
    status, told = post(desk, "/seals", body(locked(), PASSWORD))
    assert status == 200, told
    signed = base64.b64decode(told["content"])
    (one,) = read(Protected(Octets(signed), PASSWORD)).signatures
    assert one.level == "PAdES-BASELINE-B"
    file = {"content": encoded(signed), "password": PASSWORD}
    status, told = post(desk, "/augmentation", {"file": file, "level": "B-T"})
    assert [one["level"] for one in told["signatures"]] == ["PAdES-BASELINE-T"]


def test_a_password_is_nowhere_but_in_the_message(
    desk: Desk, database: Database, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    person = house().person()
    wanted = body(locked(), PASSWORD)
    first = {name: one for name, one in wanted.items() if name != "seal"}
    first["certificates"] = [encoded(one) for one in person.signer.certificates]
    said = []
    for path, message in (
        ("/seals", wanted),
        ("/seals", body(locked(), f"{PASSWORD}, and not this one")),
        ("/seals", body(locked(), PASSWORD * 100)),
        ("/seals", wanted | {"format": "cades", "pades": {}}),
        ("/signing/prepare", first),
        ("/augmentation", {"file": wanted["documents"][0]}),
        ("/augmentation", {"file": wanted["documents"][0], "detached": wanted["documents"]}),
    ):
        said.append(post(desk, path, message)[1])
    state = base64.b64decode(said[4]["prepared"])
    with database.read() as connection:
        kept = [str(one) for one in connection.execute(text("SELECT body FROM audit_events"))]
        kept += [str(one) for one in connection.execute(text("SELECT * FROM signing_seals"))]
    secrets = (PASSWORD, encoded(PASSWORD.encode()), PASSWORD.encode().hex())
    for secret in secrets:
        assert secret not in json.dumps(said)
        assert secret.encode() not in state
        assert secret not in "".join(kept) + caplog.text + "".join(capfd.readouterr())
    assert PASSWORD not in repr(wire.read(wire.SealBody, json.dumps(wanted).encode()).request())


@pytest.mark.parametrize("path", ["/seals", "/signing/complete"])
def test_a_password_is_for_a_pdf(desk: Desk, path: str) -> None:
    person = house().person()
    document = {"content": encoded(TEXT), "name": "a.txt"}
    message: dict[str, Any] = {"format": "cades", "documents": [document]}
    certificates = [encoded(one) for one in person.signer.certificates]
    _, told = post(desk, "/signing/prepare", message | {"certificates": certificates})
    value = encoded(person.sign(base64.b64decode(told["data_to_be_signed"])))
    opens = [document | {"password": PASSWORD}]
    whole = {
        "/seals": message | {"seal": "main", "documents": opens},
        "/signing/complete": {"prepared": told["prepared"], "value": value, "documents": opens},
    }
    status, told = post(desk, path, whole[path])
    assert (status, told["detail"]) == (
        400,
        "password is for a PDF that is signed as PAdES. Leave it out.",
    )

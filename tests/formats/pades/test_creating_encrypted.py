"""Signatures put into encrypted PDF files: what is added is encrypted as the file is, and only by leave."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from signed_pdfs import AUTHORITY, OBJECTS, Pdf, cades, document, token

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats import data as formats_data
from trustworks.formats.data import Octets, Protected, Stored
from trustworks.formats.evidence import Weight
from trustworks.formats.pades.creating import (
    Look,
    Place,
    Related,
    Shown,
    Wanted,
    add_store,
    prepare,
    prepare_time_stamp,
)
from trustworks.formats.pades.creating.encryption import Encryption, may_sign
from trustworks.formats.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.formats.data import Data

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
WANTED = Wanted(
    time=WHEN,
    reason="Because",
    location="Łódź",
    widget=Shown(look=Look(text="Signed"), place=Place(rectangle=(10, 10, 90, 30))),
)
USER, OWNER = "Lęs", "owner"
WAYS: dict[str, dict[str, Any]] = {
    "RC4 of 40 bits": {"R": 2, "aes": False, "metadata": False},
    "RC4 of 128 bits": {"R": 3, "aes": False, "metadata": False},
    "RC4 by crypt filters": {"R": 4, "aes": False, "metadata": False},
    "AES of 128 bits": {"R": 4, "aes": True},
    "AES of 128 bits, not the metadata": {"R": 4, "aes": True, "metadata": False},
    "AES of 256 bits, first": {"R": 5, "aes": True},
    "AES of 256 bits": {"R": 6, "aes": True},
    "AES of 256 bits, not the metadata": {"R": 6, "aes": True, "metadata": False},
}


def encrypted(octets: bytes | None = None, user: str = "user", *, packed: bool = False, **how: Any) -> bytes:
    import pikepdf  # noqa: PLC0415 - loaded where it is used

    allowed = how.pop("allow", {"modify_assembly": True})
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.preserve
    out = io.BytesIO()
    with pikepdf.Pdf.open(io.BytesIO(octets or document().octets)) as pdf, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some ways are old
        pdf.save(
            out,
            object_stream_mode=mode,
            encryption=pikepdf.Encryption(
                user=user,
                owner=OWNER,
                allow=pikepdf.Permissions(**allowed),
                **(how or WAYS["AES of 256 bits"]),
            ),
        )
    return out.getvalue()


def signed(data: Data, wanted: Wanted = WANTED) -> Data:
    prepared = prepare(data, wanted)
    return prepared.complete(cades(prepared.covered(data).octets()), data)


def extended(data: Data) -> Data:
    """With validation data and a document time-stamp."""
    related = [Related(field="Signature1", data=ValidationData(certificates=(AUTHORITY.ca,)), time=WHEN)]
    stored = add_store(data, ValidationData(certificates=(AUTHORITY.certificate,)), related)
    prepared = prepare_time_stamp(stored)
    return prepared.complete(token(prepared.covered(stored).octets()), stored)


def refusal(octets: bytes, password: str, wanted: Wanted = WANTED) -> tuple[str, str]:
    with pytest.raises(Rejected) as caught:
        prepare(Protected(Octets(octets), password), wanted)
    return str(caught.value.code), str(caught.value)


@pytest.mark.req("ISO32000-2:7.6.2-CONTENTS")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_way_of_encryption(way: str, *, packed: bool) -> None:
    import pikepdf  # noqa: PLC0415 - loaded where it is used

    user = "user" if WAYS[way]["R"] < 5 else USER
    before = encrypted(user=user, packed=packed and WAYS[way]["R"] > 3, **WAYS[way])
    data = Protected(Octets(before), user)
    once = signed(data)
    octets = extended(signed(once, replace(WANTED, reason="Again", widget=None))).octets()
    assert octets.startswith(before)
    for secret in (b"Because", b"Again", b"D:20260504", AUTHORITY.ca, AUTHORITY.certificate):
        assert secret not in octets
    found = read(Protected(Octets(octets), user))
    first, second = found.signatures
    assert [one.attributes.reason for one in (first, second)] == ["Because", "Again"]
    assert (first.attributes.signing_time, first.attributes.location) == (WHEN, {"place": "Łódź"})
    for one in (first, second):
        assert one.references[0].intact
        assert one.revision is not None
        assert all(finding.weight is Weight.NOTE for finding in one.revision.later)
    assert found.time_stamps[0].references[0].intact
    for password in (user, OWNER):
        with pikepdf.Pdf.open(io.BytesIO(octets), password=password) as pdf:
            assert pdf.check_pdf_syntax() == []
            assert str(pdf.Root.AcroForm.Fields[1].V.Reason) == "Because"
            assert bytes(pdf.Root.DSS.Certs[0].read_bytes()) == AUTHORITY.certificate


def test_the_strings_of_changed_objects_are_encrypted_anew() -> None:
    """The form's text field is in no update, the catalogue with a string of its own is."""
    import pikepdf  # noqa: PLC0415 - loaded where it is used

    pdf = document()
    pdf = pdf.update({1: pdf.objects[1][:-2] + b"/Lang (en-GB) /Outer << /Inner [(deep) <00ff>] >> >>"})
    for packed in (False, True):
        octets = signed(Protected(Octets(encrypted(pdf.octets, packed=packed)), OWNER)).octets()
        with pikepdf.Pdf.open(io.BytesIO(octets), password="user") as found:
            assert str(found.Root.Lang) == "en-GB"
            assert [bytes(one) for one in found.Root.Outer.Inner] == [b"deep", b"\x00\xff"]


def test_an_owners_password_alone_leaves_a_file_readable_by_all() -> None:
    octets = signed(Octets(encrypted(user=""))).octets()
    assert read(Octets(octets)).signatures[0].references[0].intact


def test_a_large_file_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(encrypted())
    monkeypatch.setattr(formats_data, "_MAPPED", 10)
    monkeypatch.setattr(Stored, "octets", lambda _: pytest.fail("it was read as a whole"))
    after = b"".join(signed_stored(Protected(Stored(path), "user")).portions())
    monkeypatch.undo()
    assert read(Protected(Octets(after), "user")).signatures[0].references[0].intact


def signed_stored(data: Data) -> Data:
    prepared = prepare(data, WANTED)
    return prepared.complete(cades(b"".join(prepared.covered(data).portions())), data)


@pytest.mark.parametrize("way", ["RC4 of 40 bits", "AES of 128 bits", "AES of 256 bits"])
def test_passwords_that_are_none(way: str) -> None:
    octets = encrypted(**WAYS[way])
    assert refusal(octets, "") == (
        "pdf.password",
        "The PDF is encrypted, and nobody can open it without a password. Give its password.",
    )
    code, said = refusal(octets, "wrong")
    assert (code, "does not open the PDF" in said) == ("pdf.password", True)
    assert refusal(octets, "half \ud800")[0] == "pdf.password"
    with pytest.raises(Malformed, match="encrypted with a password"):
        read(Octets(octets))
    with pytest.raises(Malformed, match="does not open the PDF"):
        read(Protected(Octets(octets), "wrong"))
    with pytest.raises(Rejected) as caught:
        add_store(Octets(octets), ValidationData(certificates=(AUTHORITY.ca,)))
    assert caught.value.code == "pdf.password"


@pytest.mark.parametrize(
    "encrypt",
    [
        b"<< /Filter /Adobe.PubSec /SubFilter /adbe.pkcs7.s5 /V 4 >>",
        b"<< /V 1 /R 2 >>",
        b"[1]",
        b"77 0 R",
    ],
)
def test_what_is_encrypted_for_certain_readers(encrypt: bytes) -> None:
    pdf = Pdf(trailer=b"/Encrypt %b /ID [<00> <00>]" % encrypt).update(dict(OBJECTS))
    code, said = refusal(pdf.octets, "any")
    assert code == "pdf.encrypted"
    assert "not by a password" in said


def test_an_encryption_that_nobody_knows() -> None:
    encrypt = b"<< /Filter /Standard /V 9 /R 9 /P -1 /O (%b) /U (%b) /Length 128 >>" % (b"o" * 32, b"u" * 32)
    pdf = Pdf(trailer=b"/Encrypt %b /ID [<00> <00>]" % encrypt).update(dict(OBJECTS))
    with pytest.raises((Rejected, Malformed)):
        prepare(Protected(Octets(pdf.octets), "any"), WANTED)


# --- permissions ------------------------------------------------------------------------------------------

FIELD = document().update(
    {
        5: b"<< /Fields [6 0 R 7 0 R] >>",
        7: b"<< /FT /Sig /T (here) /Type /Annot /Subtype /Widget /Rect [20 30 70 130] /P 3 0 R >>",
        9: b"[6 0 R 7 0 R]",
    }
)
CLOSED = {"modify_annotation": False, "modify_form": False, "modify_other": False, "modify_assembly": False}


@pytest.mark.req("ISO32000-2:7.6.4.2-PERMITTED")
@pytest.mark.parametrize("revision", ["RC4 of 128 bits", "AES of 256 bits"])
@pytest.mark.parametrize(
    ("given", "new", "there"),
    [
        ({}, False, False),
        ({"modify_form": True}, False, True),
        ({"modify_form": True, "modify_annotation": True}, False, True),
        ({"modify_other": True}, False, False),
        (
            {"modify_form": True, "modify_annotation": True, "modify_other": True, "modify_assembly": True},
            True,
            True,
        ),
    ],
)
def test_permissions_are_kept(revision: str, given: dict[str, bool], *, new: bool, there: bool) -> None:
    octets = encrypted(FIELD.octets, allow=CLOSED | given, **WAYS[revision])
    in_field = replace(WANTED, field="here", widget=None)
    for wanted, allowed in ((WANTED, new), (in_field, there)):
        if allowed:
            prepare(Protected(Octets(octets), "user"), wanted)
            continue
        code, said = refusal(octets, "user", wanted)
        assert code == "pdf.permissions"
        assert "owner's password" in said
        assert ("get a field" in said) == (wanted is WANTED)
        # The owner may do anything.
        prepare(Protected(Octets(octets), OWNER), wanted)


@pytest.mark.req("ISO32000-2:7.6.4.2-PERMITTED")
def test_the_bits_of_permissions() -> None:
    def allowed(permissions: int, revision: int, *, new_field: bool) -> bool:
        encryption = Encryption(
            key=b"", strings="rc4", streams="rc4", revision=revision, permissions=permissions
        )
        try:
            may_sign(encryption, new_field=new_field)
        except Rejected:
            return False
        return True

    modify, annotate, fill = 8, 32, 256
    assert allowed(modify | annotate, 2, new_field=True)
    assert not allowed(modify | fill, 3, new_field=True)
    assert allowed(annotate, 2, new_field=False)
    assert allowed(fill, 3, new_field=False)
    assert not allowed(fill, 2, new_field=False)  # that bit said nothing yet
    assert not allowed(modify, 6, new_field=False)


@pytest.mark.req("ISO32000-2:7.6.2-CONTENTS")
@pytest.mark.parametrize("method", ["rc4", "aes", "aesv3"])
def test_contents_are_never_encrypted(method: Any) -> None:
    encryption = Encryption(key=bytes(32), strings=method, streams=method, revision=6, permissions=None)
    signature: dict[str, Any] = {"ByteRange": [0, 1, 2, 3], "Contents": b"value", "Reason": b"why"}
    found: Any = encryption.value({"V": [signature], "Contents": b"of an annotation"}, 5, 0)
    assert (found["V"][0]["Contents"], found["V"][0]["ByteRange"]) == (b"value", [0, 1, 2, 3])
    assert found["V"][0]["Reason"] != b"why"
    assert found["Contents"] != b"of an annotation"


def test_a_signature_that_stands_in_the_form_itself_keeps_its_value() -> None:
    """The form is written anew with all that it holds."""
    import pikepdf  # noqa: PLC0415 - loaded where it is used

    value = b"<< /Type /Sig /ByteRange [0 1 2 3] /Contents <aabbcc> /Reason (why) >>"
    before = document().update({5: b"<< /Fields [6 0 R << /FT /Sig /T (old) /V %b >>] >>" % value})
    data = Protected(Octets(encrypted(before.octets)), "user")
    octets = signed(data, replace(WANTED, widget=None)).octets()
    with pikepdf.Pdf.open(io.BytesIO(octets), password="user") as pdf:
        old = pdf.Root.AcroForm.Fields[1].V
        assert (bytes(old.Contents), str(old.Reason)) == (b"\xaa\xbb\xcc", "why")

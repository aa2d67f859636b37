"""The agreement of a signer: its rules, its octets, the ticket, and one held against a signed file."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest
from signing_house import NOW, TEXT, house, pdf
from typer.testing import CliRunner

from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.formats.data import Octets
from trustworks.signing.agreement import (
    FILE,
    FRESH,
    SIGN,
    Agreement,
    Chosen,
    check,
    check_bound,
    read,
    representation,
    verify,
)
from trustworks.signing.cli.agreement import app as agreement_app
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.messages import catalogue
from trustworks.signing.model import Document, Format, Level, Packaging, Request
from trustworks.signing.shown.codes import found
from trustworks.signing.shown.model import Kind, Pages, Shown
from trustworks.signing.shown.model import Text as ShownText
from trustworks.signing.ticket import LONGEST, Ticket, WasShown, came_back, written

if TYPE_CHECKING:
    from pathlib import Path

    from signing_house import Person

KEY: Final = b"k" * 32
OWN: Final = "TRUSTWORKS:SIGNING-AGREEMENT"


def shown(octets: bytes = TEXT, *codes: str) -> Shown:
    """What a viewer would say of octets."""
    return Shown(
        name="größe.txt",
        media_type="text/plain",
        size=len(octets),
        digests={one: hashlib.new(one, octets).hexdigest() for one in ("sha256", "sha384", "sha512")},
        kind=Kind.TEXT,
        parts=(ShownText(role="text", text="x", encoding="utf-8"), Pages(count=3, sizes=())),
        findings=tuple(found(one) for one in codes),
    )


def agreement(seen: Shown | None = None, *more: WasShown, **changes: Any) -> Agreement:
    ticket = Ticket(
        id="1" * 32,
        client="shop",
        documents=(WasShown.of(seen or shown()), *more),
        at=NOW,
        language="en",
        catalogue=catalogue().version,
    )
    chosen = Chosen(
        seal="main",
        certificate="c" * 64,
        subject="CN=TEST",
        format="cades",
        packaging="enveloping",
        level="B-B",
        attributes={"role": "director"},
    )
    made = Agreement(
        ticket=ticket,
        chosen=chosen,
        ticked=(SIGN,),
        at=NOW + timedelta(minutes=2),
        hash="sha256",
        dtbs="d" * 64,
    )
    return dataclasses.replace(made, **changes)


def refused(made: Agreement, *octets: bytes) -> str:
    with pytest.raises(Refused) as caught:
        check(made, [Octets(one) for one in octets or (TEXT,)])
    assert str(caught.value).endswith(".")
    return caught.value.requirement


def test_what_was_shown_ticked_and_is_fresh_may_be_signed() -> None:
    check(agreement(), [Octets(TEXT)])


@pytest.mark.req(
    "TRUSTWORKS:SIGNING-AGREEMENT-FIRST",
    "EN419111:2-AGREEMENT",
    "ART24-2-E:D-1-b",
    "TS119101:SCP-49",
    "TS119101:SCP-51",
)
@pytest.mark.parametrize("ticked", [(), ("sign.other",), ("finding.pdf.script",)])
def test_nothing_is_signed_without_the_tick(ticked: tuple[str, ...]) -> None:
    assert refused(agreement(ticked=ticked)) == f"{OWN}-FIRST"


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS")
def test_each_objection_needs_a_tick_of_its_own() -> None:
    seen = shown(TEXT, "text.bidi-override", "text.mixed-encodings", "text.control")
    first, second = "finding.text.bidi-override", "finding.text.mixed-encodings"
    check(agreement(seen, ticked=(SIGN, first, second)), [Octets(TEXT)])
    for ticked in ((SIGN,), (SIGN, first), (SIGN, second), (SIGN, "finding.text.control")):
        assert refused(agreement(seen, ticked=ticked)) == f"{OWN}-OBJECTIONS"


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS")
def test_a_finding_that_nobody_knows_is_an_objection() -> None:
    made = agreement()
    unknown = dataclasses.replace(made.ticket.documents[0], findings=("of-another-version",))
    made = dataclasses.replace(made, ticket=dataclasses.replace(made.ticket, documents=(unknown,)))
    assert refused(made) == f"{OWN}-OBJECTIONS"


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT", "TS119101:SCP-13")
def test_the_document_is_the_one_that_was_shown() -> None:
    assert refused(agreement(), TEXT + b" ") == f"{OWN}-DOCUMENT"
    made = agreement()
    bare = dataclasses.replace(made.ticket.documents[0], digests={})
    bare_ticket = dataclasses.replace(made.ticket, documents=(bare,))
    assert refused(dataclasses.replace(made, ticket=bare_ticket)) == f"{OWN}-DOCUMENT"


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT", "TS119101:SCP-13")
def test_each_of_several_documents_is_the_one_that_was_shown() -> None:
    made = agreement(shown(), WasShown.of(shown(b"other")))
    check(made, [Octets(TEXT), Octets(b"other")])
    for octets in ((TEXT,), (TEXT, b"otter"), (b"other", TEXT), (TEXT, b"other", b"more")):
        assert refused(made, *octets) == f"{OWN}-DOCUMENT"


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS")
def test_an_objection_to_a_file_in_a_container_is_one_to_the_container() -> None:
    inner = WasShown.of_member(shown(TEXT, "text.bidi-override"))
    outer = WasShown.of_member(shown(TEXT, "container.macros"), [inner])
    made = agreement(shown(), WasShown.of(shown(b"zip"), [outer]))
    assert made.ticket.objections == ("container.macros", "text.bidi-override")
    assert refused(made, TEXT, b"zip") == f"{OWN}-OBJECTIONS"
    ticked = (SIGN, "finding.container.macros", "finding.text.bidi-override")
    made = dataclasses.replace(made, ticked=ticked)
    check(made, [Octets(TEXT), Octets(b"zip")])
    assert read(made.octets()) == made
    assert came_back(written(made.ticket, KEY), KEY) == made.ticket


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-FRESH")
@pytest.mark.parametrize("after", [FRESH + timedelta(seconds=1), timedelta(seconds=-1), timedelta(days=30)])
def test_what_was_shown_long_ago_is_not_signed(after: timedelta) -> None:
    assert refused(agreement(at=NOW + after)) == f"{OWN}-FRESH"
    check(agreement(at=NOW + FRESH), [Octets(TEXT)])


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-BOUND")
def test_an_agreement_is_about_one_signature() -> None:
    check_bound(agreement(), "sha256", bytes.fromhex("d" * 64))
    for name, value in (("sha256", b"\xdd" * 31 + b"\xdc"), ("sha384", b"\xdd" * 32)):
        with pytest.raises(Refused, match="another signature"):
            check_bound(agreement(), name, value)


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT")
def test_all_of_it_is_in_its_octets_and_comes_back() -> None:
    seen = shown(TEXT, "text.bidi-override", "text.control")
    made = agreement(seen, ticked=(SIGN, "finding.text.bidi-override"))
    octets = made.octets()
    told = json.loads(octets)
    assert told["ticket"]["documents"][0]["digests"]["sha512"] == hashlib.sha512(TEXT).hexdigest()
    assert told["ticket"]["documents"][0]["parts"] == [["text", 1], ["pages", 3]]
    assert told["weights"] == {"text.bidi-override": "objection", "text.control": "warning"}
    assert told["ticked"] == ["sign.tick", "finding.text.bidi-override"]
    assert told["ticket"]["client"] == "shop"
    assert told["ticket"]["catalogue"] == catalogue().version
    assert read(octets) == made


@pytest.mark.parametrize(
    "change",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"agreement":"trustworks-agreement-1"}',
        lambda octets: octets + b"\n",
        lambda octets: octets.replace(b"agreement-1", b"agreement-2"),
        lambda octets: octets.replace(b'"sha256"', b"[]"),
        lambda octets: octets.replace(b'"hash":"sha256"', b'"hash":[]'),
        lambda octets: octets.replace(b'"client":"shop"', b'"client":7'),
        lambda octets: octets.replace(b'"at":"', b'"at":"no'),
    ],
)
def test_what_is_no_agreement_is_not_read(change: Any) -> None:
    octets = change if isinstance(change, bytes) else change(agreement().octets())
    with pytest.raises(Malformed, match="unchanged"):
        read(octets)


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-SHOWN")
def test_a_ticket_comes_back_as_it_was_given_or_not_at_all() -> None:
    ticket = agreement().ticket
    text = written(ticket, KEY)
    assert came_back(text, KEY) == ticket
    first, tag = text.split(".")
    other = written(dataclasses.replace(ticket, client="other"), KEY).split(".")[0]
    for wrong in (f"{other}.{tag}", f"{first}.", f"{first}.{'0' * 64}", f"{first}.ü", first):
        with pytest.raises(Refused, match="shown again"):
            came_back(wrong, KEY)
    with pytest.raises(Refused, match="shown again"):
        came_back(text, b"o" * 32)


@pytest.mark.parametrize("text", ["ü.x", "a.x", "?"])
def test_what_is_no_ticket_is_told(text: str) -> None:
    with pytest.raises((Malformed, Refused), match="shown again"):
        came_back(text, KEY)


def test_a_ticket_is_not_longer_than_a_form_has_room_for() -> None:
    many = [WasShown.of(shown(TEXT, "text.control"))] * 200
    made = agreement(None, *many)
    with pytest.raises(Rejected, match="too many documents") as caught:
        written(made.ticket, KEY)
    assert caught.value.code == "signing.too-much"
    most = dataclasses.replace(made.ticket, documents=made.ticket.documents[:60])
    assert len(written(most, KEY)) < LONGEST


def test_a_ticket_of_another_version_is_told() -> None:
    for told in (b"{}", b"[]", b"x", b'{"documents":{}}'):
        tag = hmac.new(KEY, told, hashlib.sha256).hexdigest()
        with pytest.raises(Malformed, match="another version"):
            came_back(f"{base64.urlsafe_b64encode(told).decode()}.{tag}", KEY)


# Against a signed file


def creation() -> Creation:
    return Creation(means=house().means, terms=Terms(lab=True))


@cache
def sealing() -> Person:
    """Whose certificate seals the agreements."""
    return house().person()


def signed(kind: str = "P-256") -> tuple[Agreement, bytes, bytes]:
    """An agreement, its seal, and the signed file."""
    person, made = house().person(kind), creation()
    request = Request(format=Format.PADES, documents=(Document(data=pdf()),))
    prepared = made.prepare(request, person.signer)
    name, digest = representation(prepared.dtbs)
    plain = agreement(shown(pdf().octets()), hash=name, dtbs=digest.hex())
    sealer = hashlib.sha256(sealing().certificate).hexdigest()
    agreed = dataclasses.replace(plain, chosen=dataclasses.replace(plain.chosen, certificate=sealer))
    file = made.complete(prepared, person.sign(prepared.dtbs.octets), request.documents).data.octets()
    return agreed, seal_of(agreed.octets()), file


def seal_of(octets: bytes, packaging: Packaging = Packaging.DETACHED, name: str = FILE) -> bytes:
    person = sealing()
    request = Request(
        format=Format.JADES, packaging=packaging, documents=(Document(data=Octets(octets, name)),)
    )
    return creation().sign(request, person.signer, person.sign).data.octets()


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-BOUND")
@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA-PSS"])
def test_a_stored_agreement_is_held_against_the_signed_file(kind: str) -> None:
    agreed, seal, file = signed(kind)
    assert verify(agreed.octets(), seal, Octets(file)) == agreed
    raised = creation().augment(Octets(file), Level.LTA)
    assert verify(agreed.octets(), seal, raised.data) == agreed


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-BOUND")
def test_an_agreement_about_another_signature_is_refused() -> None:
    agreed, seal, _ = signed()
    _, _, other = signed()
    with pytest.raises(Refused, match="another signature"):
        verify(agreed.octets(), seal, Octets(other))
    with pytest.raises(Malformed, match="no signature"):
        verify(agreed.octets(), seal, pdf())
    weaker = dataclasses.replace(agreed, hash="md5")
    with pytest.raises(Refused, match="another signature"):
        verify(weaker.octets(), seal_of(weaker.octets()), Octets(other))


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-BOUND")
def test_the_seal_is_over_the_agreement() -> None:
    agreed, seal, file = signed()
    changed = dataclasses.replace(agreed, ticked=()).octets()
    with pytest.raises((Refused, Rejected)):
        verify(changed, seal, Octets(file))
    inside = seal_of(b"something else", Packaging.ENVELOPING)
    with pytest.raises(Refused, match="something else"):
        verify(agreed.octets(), inside, Octets(file))
    with pytest.raises(Malformed):
        verify(agreed.octets(), b"no seal", Octets(file))


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-SEALER")
def test_a_seal_by_somebody_else_is_refused() -> None:
    agreed, _, file = signed()
    other = dataclasses.replace(agreed, chosen=dataclasses.replace(agreed.chosen, certificate="c" * 64))
    with pytest.raises(Refused, match="another certificate than the agreement names"):
        verify(other.octets(), seal_of(other.octets()), Octets(file))


def run(*arguments: object) -> Any:
    return CliRunner().invoke(agreement_app, ["verify", *map(str, arguments)])


def test_a_command_says_what_was_agreed_to_and_what_it_is_bound_to(tmp_path: Path) -> None:
    agreed, seal, file = signed()
    places = [tmp_path / name for name in ("agreement.json", "agreement.seal.json", "signed.pdf")]
    for place, octets in zip(places, (agreed.octets(), seal, file), strict=True):
        place.write_bytes(octets)
    done = run(places[0])
    assert done.exit_code == 0, done.exception
    assert "the seal holds" in done.stdout
    assert agreed.ticket.documents[0].digests["sha256"] in done.stdout
    assert "not looked at; give the signed file with --signed" in done.stdout
    assert "[sign.tick]" in done.stdout
    done = run(places[0], "--seal", places[1], "--signed", places[2])
    assert f"{places[2]}, signature S-" in done.stdout, (done.stdout, done.exception)
    told = json.loads(run(places[0], "--signed", places[2], "--json").stdout)
    assert told["client"] == "shop"
    assert told["ticked"] == [SIGN]
    assert told["signed"]["file"] == str(places[2])
    assert told["agreed_at"] == agreed.at.isoformat()


def test_a_command_tells_what_is_wrong(tmp_path: Path) -> None:
    agreed, seal, _ = signed()
    _, _, other = signed()
    file, sealed, about = (tmp_path / name for name in ("a.json", "a.seal.json", "other.pdf"))
    file.write_bytes(agreed.octets())
    done = run(file)
    assert isinstance(done.exception, Malformed)
    assert "a.seal.json cannot be read" in str(done.exception)
    sealed.write_bytes(seal)
    about.write_bytes(other)
    assert isinstance(run(file, "--signed", about).exception, Refused)
    assert isinstance(run(file, "--detached", about).exception, Malformed)
    file.write_bytes(agreed.octets().replace(b"director", b"somebody"))
    assert isinstance(run(file).exception, (Refused, Rejected))


def test_a_signed_file_that_was_changed_is_told() -> None:
    agreed, seal, file = signed()
    at = file.index(b"TEST") if b"TEST" in file else 20
    with pytest.raises((Rejected, Refused, Malformed)):
        verify(agreed.octets(), seal, Octets(file[:at] + b"X" + file[at + 1 :]))

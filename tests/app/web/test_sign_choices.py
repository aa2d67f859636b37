"""What a person may choose on the page: containers, several documents, formats, and what a signature says."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from lxml import etree
from signing_house import TEXT, XML, pdf
from signing_page import BIDI, agree, agree_to, chosen, links, look, look_at, packed, said, unsigned, ways

from trustworks.core.errors import Rejected
from trustworks.core.xml.parse import parse
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.signing.agreement import verify
from trustworks.signing.choosing import WAYS
from trustworks.signing.shown.viewer import Viewer

if TYPE_CHECKING:
    from signing_desk import Office

    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


# Containers


def test_files_in_a_container_are_shown_each_by_its_viewer(office: Office) -> None:
    inner = packed(note_txt=b"I owe you nothing.", sum_json=b'{"sum": 100}')
    octets = packed(contract_pdf=pdf().octets(), inner_zip=inner, terms_xml=b"<a><b>c</b></a>")
    page = look(office, "all.zip", octets)
    text = page.body.decode()
    for told in ("I owe you nothing.", "data:image/png;base64,", "Page 1 of 1", "inner.zip / note.txt"):
        assert told in text
    assert re.search(r'<a href="#(shown-1-2)">inner.zip</a>', text)
    assert 'id="shown-1-2"' in text
    assert "finding." not in str(chosen(page))
    found = links(agree(office, chosen(page), "all.zip", octets))
    agreement = verify(found["agreement"], found["proof"], Octets(found["signed"]))
    (zipped,) = agreement.ticket.documents
    assert [one.name for one in zipped.inside] == ["contract.pdf", "inner.zip", "terms.xml"]
    note = zipped.inside[1].inside[0]
    assert (note.name, note.parts) == ("note.txt", (("text", 1),))
    assert note.digests == {"sha256": hashlib.sha256(b"I owe you nothing.").hexdigest()}


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS")
def test_an_objection_to_a_file_in_a_container_needs_its_tick(office: Office, database: Database) -> None:
    octets = packed(a_txt=TEXT, b_txt=BIDI)
    page = look(office, "all.zip", octets)
    fields = chosen(page)
    assert fields["tick-1"] == "finding.text.bidi-override"
    assert '<b lang="" dir="auto">b.txt</b>: The text has characters that turn' in page.body.decode()
    less = {name: value for name, value in fields.items() if name != "tick-1"}
    assert "bidi-override" in unsigned(office, database, agree(office, less, "all.zip", octets), 403)


@pytest.mark.req("TRUSTWORKS:SHOWN-INSIDE", "TS119101:SCP-9")
@pytest.mark.parametrize(
    ("bound", "value", "told"),
    [
        ("MOST_INSIDE", 1, "(1): b.txt"),
        ("DEEPEST", 0, "(2): a.txt, b.txt"),
        ("_MOST_SPENT", 900, "(1): b.txt"),
        ("SECONDS", -1.0, "There is no room on one page"),
    ],
)
def test_files_that_are_not_shown_are_an_objection(
    office: Office, monkeypatch: pytest.MonkeyPatch, bound: str, value: float, told: str
) -> None:
    monkeypatch.setattr(f"trustworks.signing.looking.{bound}", value)
    page = look(office, "all.zip", packed(a_txt=b"x" * 200, b_txt=b"y" * 200))
    assert told in page.body.decode()
    code = "absent" if bound == "SECONDS" else "container.unopened"
    assert f"finding.{code}" in chosen(page).values()


@pytest.mark.req("TRUSTWORKS:SHOWN-INSIDE", "TS119101:SCP-9")
def test_a_file_that_takes_too_much_is_not_shown_and_its_neighbours_are_not_tried(
    office: Office, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def shown(*args: Any, within: tuple[str, ...] = (), **more: Any) -> Any:
        asked.append(within)
        if within:
            raise Rejected("shown.too-much", "It takes more.")
        return Viewer.shown(viewer, *args, **more)

    monkeypatch.setattr(viewer, "shown", shown)
    page = look(office, "all.zip", packed(a_txt=TEXT, b_txt=TEXT))
    assert "(2): a.txt, b.txt" in page.body.decode()
    assert asked == [(), ("a.txt",)]


def test_of_a_signed_container_the_documents_are_shown_and_not_what_it_is_made_of(office: Office) -> None:
    first = links(agree(office, chosen(look(office, "a.txt", TEXT)), "a.txt", TEXT))["signed"]
    text = look(office, "a.asice", first).body.decode()
    assert TEXT.decode().strip() in text
    assert "Signatures that are there" in text
    assert '<a href="#shown-1-1">a.txt</a>' in text
    assert 'id="shown-1-2"' not in text


# Several documents


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT", "TS119101:SCP-13")
@pytest.mark.parametrize("way", [name for name, one in WAYS.items() if one.holds_several])
def test_several_documents_are_shown_and_signed_by_one_signature(office: Office, way: str) -> None:
    files = [("a.txt", TEXT), ("b.pdf", pdf().octets()), ("c.xml", XML)]
    page = look_at(office, *files)
    assert way in ways(page)
    assert page.body.decode().count("data-sha256=") == 3
    # They come back in another order, as a dialogue for files may have it.
    found = links(agree_to(office, chosen(page, format=way), *reversed(files)))
    beside = [Octets(octets, name) for name, octets in files] if way.endswith("detached") else []
    agreement = verify(found["agreement"], found["proof"], Octets(found["signed"]), detached=beside)
    assert [one.name for one in agreement.ticket.documents] == ["a.txt", "b.pdf", "c.xml"]
    (signature,) = read(Octets(found["signed"]), detached=beside).signatures
    signed = {one.data.digest("sha256").hex() for one in signature.scopes if one.data is not None}
    assert {one.digests["sha256"] for one in agreement.ticket.documents} <= signed


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("a.txt", TEXT), ("a.txt", XML)], "Two of the documents are called 'a.txt'"),
        ([(f"{number}.txt", TEXT) for number in range(21)], "More than 20 files"),
        ([], "Choose one"),
    ],
)
def test_documents_that_cannot_be_signed_together_are_told(
    office: Office, files: list[tuple[str, bytes]], words: str
) -> None:
    assert words in said(look_at(office, *files))


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT", "TS119101:SCP-13")
def test_of_several_documents_none_may_be_missing_or_another(office: Office, database: Database) -> None:
    files = [("a.txt", TEXT), ("b.txt", b"other")]
    fields = chosen(look_at(office, *files))
    for wrong in (files[:1], [files[0], ("b.txt", b"otter")], [*files, ("c.txt", b"more")]):
        assert "not the documents" in unsigned(office, database, agree_to(office, fields, *wrong), 403)


# Formats and attributes


SAID: Final = {
    "street": "Rua 1",
    "postal_code": "1000",
    "state": "Lisboa e Tejo",
    "country": "XX",
    "commitment-proof-of-approval": "yes",
    "commitment-proof-of-creation": "yes",
    "policy": "1.2.3.4.5",
    "policy_digest": "AB:" * 31 + "ab",
    "policy_uri": "https://example.test/policy",
}


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT", "TRUSTWORKS:SHOWN-DIGEST")
@pytest.mark.parametrize("way", WAYS)
def test_in_every_format_what_was_shown_is_signed_and_what_was_chosen_is_said(
    office: Office, way: str
) -> None:
    name, octets = {"pades": ("a.pdf", pdf().octets()), "xades-enveloped": ("a.xml", XML)}.get(
        way, ("a.json", b'{"a": [1, 2]}')
    )
    page = look(office, name, octets)
    assert way in ways(page)
    found = links(agree(office, chosen(page, format=way, **SAID), name, octets))
    beside = [Octets(octets, name)] if way.endswith("detached") else []
    agreement = verify(found["agreement"], found["proof"], Octets(found["signed"]), detached=beside)
    chosen_ = agreement.chosen
    how = WAYS[way]
    assert (chosen_.format, chosen_.packaging, chosen_.container) == how
    assert chosen_.attributes["commitments"] == "proof-of-approval proof-of-creation"
    assert chosen_.attributes["policy-digest"] == "ab" * 32
    assert chosen_.attributes["postal-code"] == "1000"
    (signature,) = read(Octets(found["signed"]), detached=beside).signatures
    told = signature.attributes
    assert len(told.commitments) == 2
    assert told.policy is not None
    assert (told.policy.digest, told.policy.uri) == (b"\xab" * 32, "https://example.test/policy")
    assert told.policy.identifier is not None
    assert told.policy.identifier.endswith("1.2.3.4.5")
    assert list(told.claimed_roles) == ["director"]
    assert "Lisboa" in str(told.location)
    # The input of the signature is what was shown, and what a browser computes its digest of.
    data = [one.data.octets() for one in signature.scopes if one.data is not None]
    match way:
        case "pades":
            assert found["signed"].startswith(octets)
        case "xades-enveloped":
            whole = parse(octets).getroottree()
            assert etree.tostring(whole, method="c14n", exclusive=True) in data
        case _:
            assert octets in data


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-CHOICES")
@pytest.mark.parametrize(
    ("name", "changes", "status", "words"),
    [
        ("a.txt", {"reason": "approved"}, 422, "Only a signature in a PDF"),
        ("a.pdf", {"reason": "approved", "commitment-proof-of-approval": "yes"}, 422, "a reason, or else"),
        ("a.txt", {"policy_digest": "ab" * 32}, 422, "no identifier"),
        ("a.txt", {"policy_uri": "https://example.test/"}, 422, "no identifier"),
        ("a.txt", {"policy": "1.2.3"}, 422, "digest of the signature policy has 0 octets"),
        ("a.txt", {"policy": "1.2.3", "policy_digest": "abc"}, 400, "neither hexadecimal nor base64"),
        ("a.txt", {"policy": "1.2.3", "policy_digest": "ab" * 20}, 422, "gives 32"),
        ("a.txt", {"policy": "1.2.3", "policy_hash": "md5"}, 400, "Choose one of sha256"),
        ("a.txt", {"policy": "no policy", "policy_digest": "ab" * 32}, 422, "names no signature policy"),
        ("a.txt", {"format": "xades-enveloped"}, 400, "XML"),
    ],
)
def test_what_has_no_place_in_the_signature_is_refused(
    office: Office, database: Database, name: str, changes: dict[str, str], status: int, words: str
) -> None:
    octets = pdf().octets() if name == "a.pdf" else TEXT
    fields = chosen(look(office, name, octets), **changes)
    assert words in unsigned(office, database, agree(office, fields, name, octets), status)

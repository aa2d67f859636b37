"""Statements say what the configuration says, and nothing that nobody said."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from statements_testbed import certificate

from trustworks.app.statements import drafting
from trustworks.app.statements.blocks import blocks
from trustworks.app.statements.model import Document
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from statements_testbed import Office

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # one is enough to read


def test_a_practice_statement_says_what_is_configured(office: Office) -> None:
    office.change("issuance.ocsp", validity_minutes=47, max_age_seconds=13)
    office.change("issuance.issuing", crl_validity_hours=72, crl_every_hours=5)
    office.change("issuance.registration", retention_years=33)
    text = office.draft(Document.CPS).text
    assert "47 minutes" in text
    assert "13 seconds" in text
    assert "33 years" in text
    assert r"| Example\_TEST \*CA\* | 5 hours | 3 days | 1 | no |" in text
    assert hashlib.sha256(certificate()).hexdigest() in text
    assert "P-384" in text


def test_statements_tell_of_a_laboratory_and_of_a_module_that_protects_nothing(office: Office) -> None:
    for document in (Document.CPS, Document.PDS, Document.TSA):
        text = office.draft(document).text
        assert "This is a laboratory" in text
        assert "insufficient" in text
    assert "The clock is unchecked" in office.draft(Document.TSA).text


def test_statements_claim_no_conformity(office: Office) -> None:
    for document in (Document.CPS, Document.PDS, Document.TSA):
        text = office.draft(document).text
        assert "Nothing in this statement says that the provider or its systems are certified" in text
        assert "compliant" not in text.lower()


@pytest.mark.req("TRUSTWORKS:STATEMENTS-NOT-INVENTED")
def test_what_only_the_provider_can_say_is_missing_until_he_says_it(office: Office) -> None:
    found = office.draft()
    assert "address" in {one.key for one in found.missing}
    assert "**Missing: the provider's postal address.**" in found.text
    assert any("postal address is missing" in one for one in office.findings())
    office.change("statements", address="Example *Street* 1\nTEST Town")
    found = office.draft()
    assert "address" not in {one.key for one in found.missing}
    assert "Example \\*Street\\* 1\\\nTEST Town" in found.text
    assert not any("postal address is missing" in one for one in office.findings())


def test_a_file_of_the_provider_goes_before_a_setting_and_one_in_the_language_before_both(
    office: Office,
) -> None:
    office.change("statements", address="by setting")
    (office.paragraphs / "address.md").write_text("by *file*", encoding="utf-8")
    assert "by *file*" in office.draft().text
    (office.paragraphs / "address.en.md").write_text("by file in English", encoding="utf-8")
    found = office.draft().text
    assert "by file in English" in found
    assert "by *file*" not in found
    assert "by setting" not in found


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("adress.md", "x", "no statement asks for 'adress'"),
        ("Address.md", "x", "neither a paragraph"),
        ("address.md", "one\n\n# two\n", "line 3: a paragraph has no headings"),
        ("address.md", "x" * 300_000, "longer than 256 KiB"),
        ("pds.en.md.j2", "# T\n{{ nothing }}", "cannot be drawn: 'nothing' is undefined"),
        ("pds.en.md.j2", "# T\n{{ config.__class__ }}", "cannot be drawn"),
        ("pds.en.md.j2", "no title", "does not begin with its title"),
    ],
)
def test_what_is_wrong_in_the_providers_folder_is_named(
    office: Office, name: str, text: str, sentence: str
) -> None:
    (office.paragraphs / name).write_text(text, encoding="utf-8")
    with pytest.raises(Malformed) as caught:
        office.draft()
    assert sentence in str(caught.value)


def test_octets_that_are_no_text_and_a_folder_that_is_not_there_are_named(office: Office) -> None:
    (office.paragraphs / "address.md").write_bytes(b"\xff")
    with pytest.raises(Malformed, match="not UTF-8"):
        office.draft()
    office.change("statements", paragraphs=office.paragraphs / "none")
    with pytest.raises(Malformed, match="cannot be read"):
        office.draft()


def test_another_language_wants_the_providers_template(office: Office) -> None:
    office.change("statements", languages=("en", "de"))
    with pytest.raises(Malformed, match="no template of the statement cps in 'de'"):
        office.draft()
    for document in Document:
        (office.paragraphs / f"{document.value}.de.md.j2").write_text(
            "# Erklärung\n\n{{ facts.public_url }} {{ own('address', 'die Anschrift') }}", encoding="utf-8"
        )
    published = office.publish(Document.PDS)
    assert [(one.language, one.title) for one in published] == [
        ("en", "PKI disclosure statement"),
        ("de", "Erklärung"),
    ]
    assert "Missing: die Anschrift" in published[1].text


def test_names_are_text_and_never_marks(office: Office) -> None:
    evil = "[x](javascript:alert(1)) <script> `y` | *z*"
    office.change("provider", name=evil)
    text = office.draft().text
    kinds = {node["kind"] for block in blocks(text) for node in block.get("inside", ())}
    assert "em" not in kinds
    links = [
        node["href"] for block in blocks(text) for node in block.get("inside", ()) if node["kind"] == "link"
    ]
    assert all(link.startswith("http") for link in links)
    shown = ["".join(node.get("text", "") for node in block.get("inside", ())) for block in blocks(text)]
    assert any(one.startswith(evil) for one in shown)


def test_the_same_configuration_gives_the_same_octets(office: Office) -> None:
    assert office.draft(Document.CPS) == office.draft(Document.CPS)


def test_a_provider_without_authorities_has_no_practice_statement_for_them(office: Office) -> None:
    config = office.config.model_copy(update={"issuance": None})
    assert {document for document, _ in drafting.wanted(config)} == {Document.TSA, Document.TERMS}
    config = office.config.model_copy(update={"timestamping": None})
    assert {document for document, _ in drafting.wanted(config)} == {
        Document.CPS,
        Document.PDS,
        Document.TERMS,
    }

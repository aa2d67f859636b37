"""The page and the PDF: what a lawyer reads first, what an expert finds, and names made to mislead."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from qualified_reports import COMPLIANCE, DEVICE, FOR_ESIGN, report

from trustworks.core.pages.typesetting import typeset
from trustworks.formats.data import Octets
from trustworks.validation.model import SubIndication
from trustworks.validation.qualification.signatures import SignatureQualification
from trustworks.validation.report.page import sentences
from trustworks.validation.report.page.pdf import SETTABLE
from trustworks.validation.rules.inputs import NOTHING
from trustworks.validation.rules.names import NAMES

if TYPE_CHECKING:
    from trustworks.validation.service import Report

HOSTILE = "</title><script>alert(1)</script>\u202eevil\u2066 \x1b[31m \u0645\u062d\u0645\u062f \u4e00"


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if not {"title", "style"} & set(self.open):
            self.text += data


def qualified(**settings: Any) -> Report:
    return report(COMPLIANCE, FOR_ESIGN, DEVICE, **settings)


def drawn(found: Report) -> Elements:
    return Elements(found.html().decode())


def test_a_page_says_first_what_came_out_then_who_and_whether_qualified() -> None:
    text = " ".join(drawn(qualified()).text.split())
    read = (
        *("The signature holds", "Passed", "Signed by signer", "Yes: a qualified electronic signature"),
        *("not before this validation", "Over which data", "All checks, for experts", "Revocation data"),
    )
    places = [text.index(one) for one in read]
    assert places == sorted(places)


def test_a_page_says_what_would_help_where_nothing_can_be_said() -> None:
    text = " ".join(drawn(qualified(extra=NOTHING)).text.split())
    assert "Whether the signature holds cannot be said" in text
    assert "nobody said whether they were revoked" in text
    assert "What to do" in text
    assert "Cannot be said: a qualified electronic signature if it is valid" in text


def test_what_a_certificate_says_is_no_fact_before_the_signature_holds() -> None:
    doubt = "as the certificate says; that it is so was not found"
    facts = {"natural person: the certificate is for signatures", "CN=signer"}
    held = " ".join(drawn(qualified()).text.split())
    assert all(one in held for one in facts)
    assert doubt not in held
    open_ = " ".join(drawn(qualified(extra=NOTHING)).text.split())
    assert f"natural person: the certificate is for signatures ({doubt})" in open_
    assert f"{doubt}: CN=signer" in open_


def test_a_page_has_every_check_that_was_asked() -> None:
    found = qualified()
    text = drawn(found).text

    def ids(conclusion: Any) -> set[str]:
        return {check.id for check in conclusion.checks} | {
            one for check in conclusion.checks if check.block for one in ids(check.block)
        }

    (signature,) = found.outcome.signatures
    asked = ids(signature.basic) | ids(signature.with_time) | ids(signature.archival)
    assert len(asked) > 20
    assert {one for one in asked if f"{one}" not in text or NAMES[one] not in text} == set()


def test_a_page_stands_alone_and_is_accessible() -> None:
    page = drawn(qualified())
    tags = [tag for tag, _ in page.found]
    attributes = [pair for _, found in page.found for pair in found.items()]
    assert "script" not in tags
    assert not {"link", "img", "iframe", "object"} & set(tags)
    assert [value for name, value in attributes if name in {"src", "style"} or name.startswith("on")] == []
    assert [value for name, value in attributes if name == "href" and not str(value).startswith("#")] == []
    octets = qualified().html()
    assert b"url(" not in octets
    assert b"@import" not in octets
    assert tags.count("main") == tags.count("h1") == tags.count("header") == tags.count("footer") == 1
    assert ("html", {"lang": "en"}) in page.found
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [found["id"] for _, found in page.found if "id" in found]
    assert len(ids) == len(set(ids))
    named = {value for name, value in attributes if name == "aria-labelledby"}
    targets = {str(value)[1:] for name, value in attributes if name == "href"}
    assert (named | targets) - set(ids) == set()


def test_names_in_certificates_are_never_markup_nor_turn_the_text() -> None:
    found = qualified(signer=HOSTILE)
    page = drawn(found)
    octets = found.html().decode()
    assert "script" not in [tag for tag, _ in page.found]
    assert "</title><script>alert(1)</script>" in page.text
    assert not {"\u202e", "\u2066", "\x1b"} & set(octets)
    assert r"\u202eevil\u2066 \x1b[31m" in page.text
    text = found.pdf()
    assert text.startswith(b"%PDF")


def test_the_same_validation_gives_the_same_octets() -> None:
    found = qualified()
    assert found.html() == found.html()
    assert found.pdf() == found.pdf()


def test_a_pdf_is_whole_tagged_and_has_its_title_and_bookmarks() -> None:
    with pikepdf.open(BytesIO(qualified().pdf())) as opened:
        assert opened.check_pdf_syntax() == []
        assert str(opened.Root.Lang) == "en"
        assert bool(opened.Root.MarkInfo.Marked)
        assert "/StructTreeRoot" in opened.Root
        with opened.open_metadata() as metadata:
            assert metadata["dc:title"] == "Passed: Validation of contract.p7m"
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("2", "A")
        with opened.open_outline() as outline:
            titles = [one.title for one in outline.root]
        assert {"Signatures", "By what it was judged", "Certificates", "All checks, for experts"} <= set(
            titles
        )


def test_the_fonts_have_every_letter_that_is_set() -> None:
    letters = "".join(
        chr(code) for first, last in SETTABLE for code in range(first, last + 1) if chr(code).isprintable()
    )
    template = (
        b'#let given = json(bytes(sys.inputs.at("given")))\n#set document(title: "Letters")\n'
        b'#set text(lang: "en")\n'
        b'#title()\n#text(font: "Libertinus Serif", given.all)\n#text(font: "DejaVu Sans Mono", given.all)\n'
    )
    assert typeset(template, {"all": letters}, qualified().outcome.at).startswith(b"%PDF")


def test_every_outcome_has_its_sentences() -> None:
    assert set(sentences.WHY) == set(SubIndication)
    assert set(sentences.QUALIFIED) == set(SignatureQualification)
    for sentence in sentences.WHY.values():
        for thing, maker in sentences.THINGS.items():
            assert "{" not in sentence.format(thing=thing, maker=maker)


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_a_file_without_a_signature_of_anybody_known_is_reported_too(kind: str) -> None:
    found = qualified(extra=NOTHING, signer="\u4e00\u4e8c")
    made = getattr(found, kind)()
    assert isinstance(made, bytes)
    assert isinstance(found.files[0], Octets)
    assert found.files[0].digest("sha256").hex() in found.html().decode()

"""How persons are told in a dossier: by pseudonyms wherever they stand, files withheld that name them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date

import pytest
from dossier_testbed import NOW, PERSONS, facts, material

from trustworks.assurance.dossier.contents import contents
from trustworks.assurance.dossier.persons import (
    WHY,
    WHY_SAID,
    WHY_UNSEARCHED,
    WITHHELD,
    Hiding,
    kept,
    names_of,
    pseudonym,
    said_of,
    without_names,
    without_people,
)
from trustworks.assurance.engine import evaluate
from trustworks.assurance.evidence import Item, Kind, Outcome
from trustworks.assurance.evidence.people import roles_item
from trustworks.assurance.model import Document, DocumentKind, Facts, PaperKind, ProviderPaper
from trustworks.assurance.records import File
from trustworks.assurance.rulesets import SHIPPED, load
from trustworks.core.roles import Operator, Role

SECRET = b"s" * 32
ADDRESS = "vera.muster@example.com"
NUMBER = "+49 30 1234567"
OF = pseudonym(SECRET)


def file(content: bytes, name: str = "page.txt") -> File:
    return File(
        sha256=hashlib.sha256(content).hexdigest(),
        name=name,
        source="https://example.com",
        retrieved_at=NOW,
        added_at=NOW,
        added_by="a",
        content=content,
    )


def known() -> Facts:
    """Facts with persons in every field and text that can hold one."""
    found = facts()
    document = Document(
        product="hsm-1",
        kind=DocumentKind.RISK_ANALYSIS,
        title=f"Risks, by {PERSONS[1]}",
        sha256="5" * 64,
        written=date(2026, 1, 2),
    )
    note = f"call {PERSONS[0].upper()}, {NUMBER}"
    return replace(found, documents=(document,), checks=(replace(found.checks[0], note=note),))


def people() -> tuple[Item, ...]:
    """Evidence about persons: who did a duty, who holds roles that conflict."""
    duty = Item(
        kind=Kind.DUTY,
        subject="training",
        at=NOW,
        outcome=Outcome.OK,
        sentence=f"Done, says {PERSONS[0]}.",
        values={"persons": list(PERSONS), "title": "Training", "deep": [{"signed_by": ["olga"]}]},
    )
    both = frozenset({Role.AUDITOR, Role.OPERATOR})
    olga = Operator(
        name="olga", state="active", roles=both, credentials=(), enrolled_at=NOW, enrolled_by="otto"
    )
    return duty, roles_item([olga], NOW)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-PERSONS")
def test_persons_are_told_by_pseudonyms_wherever_they_stand_and_the_verdicts_stay() -> None:
    before = known()
    hidden = without_names(before, Hiding(OF, names_of(before)))
    found, _ = contents(material(known=hidden))
    for one in found:
        for name in (*PERSONS, PERSONS[0].upper(), ADDRESS, NUMBER):
            assert name.encode() not in one.content, one.name
    assert hidden.checks[0].persons == tuple(map(OF, PERSONS))
    assert len(set(hidden.checks[0].persons)) == len(PERSONS)
    assert hidden.products[0].place == f"Room 1, ask {WITHHELD}"
    assert hidden.checks[0].note == f"call {OF(PERSONS[0])}, {WITHHELD}"
    assert hidden.documents[0].title == f"Risks, by {OF(PERSONS[1])}"
    for rule_set in map(load, SHIPPED):
        was, is_ = (evaluate(one, rule_set, NOW.date()).products for one in (before, hidden))
        assert was == is_


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-PEOPLE")
def test_evidence_about_roles_and_duties_has_pseudonyms() -> None:
    items = people()
    assert "olga" in items[1].sentence
    duty, roles = without_people(items, Hiding(OF, names_of(Facts(), items)))
    told = json.dumps([duty.content, roles.content])
    for name in (*PERSONS, "olga"):
        assert name not in told
    assert duty.values["persons"] == [OF(one) for one in PERSONS]
    assert duty.sentence == f"Done, says {OF(PERSONS[0])}."
    assert roles.values["operators"] == {OF("olga"): ["auditor", "operator"]}
    assert OF("olga") in roles.sentence
    assert duty.values["title"] == "Training"


def test_a_pseudonym_is_the_same_in_every_dossier_and_of_one_provider_alone() -> None:
    assert OF("Vera Muster") == OF(" vera muster ")
    assert OF("Vera Muster") != pseudonym(b"t" * 32)("Vera Muster")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a page of a scheme, of 2026-11-29T12:00:00+01:00, serial 0001 0002 0003", ""),
        ("Prüfbericht Nr. 12 vom Dienstag".encode("latin-1"), ""),
        (b"<a href='mailto:vera.muster@example.com'>", WHY),
        (b"<p>Call +1 (301) 555-0100 for more</p>", WHY),
        (b"Telephone: 030 1234567", WHY),
        (b'[{"name": "Box", "vendor_contact": "V. M."}]', WHY),
        (b"name;Contact details;level\nBox;V. M.;3\n", WHY),
        (b"<footer>Contact us</footer>", ""),
        (b"looked at by vera\n  muster", WHY),
        (b"%PDF-1.7 \x80\x81", WHY_UNSEARCHED),
        (b"PK\x03\x04\0\0", WHY_UNSEARCHED),
        (bytes(range(128, 256)) * 4, WHY_UNSEARCHED),
    ],
)
@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-FILES")
def test_a_file_that_names_persons_or_cannot_be_searched_is_withheld(content: bytes, why: str) -> None:
    one = file(content)
    found = kept(one, hiding=Hiding(OF, PERSONS), said={})
    assert (found.why, found.content) == (why, None if why else content)
    assert kept(one, hiding=None, said={}).content == content


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-FILES")
def test_a_kind_and_who_entered_it_say_whether_a_file_names_persons() -> None:
    def paper(kind: PaperKind, content: bytes, *, names: bool | None) -> ProviderPaper:
        return ProviderPaper(
            kind=kind,
            title="A",
            version="1",
            sha256=file(content).sha256,
            written=NOW.date(),
            names_persons=names,
        )

    pdf = b"%PDF-1.7 \x80"
    given = {
        (PaperKind.OWNERSHIP, b"plain", None): WHY_SAID,
        (PaperKind.OWNERSHIP, b"plain", False): "",
        (PaperKind.RISKS, b"plain", None): "",
        (PaperKind.RISKS, b"plain", True): WHY_SAID,
        (PaperKind.RISKS, pdf, None): WHY_UNSEARCHED,
        (PaperKind.RISKS, pdf, False): "",
    }
    for (kind, content, names), why in given.items():
        said = said_of(Facts(), [paper(kind, content, names=names)])
        assert kept(file(content), hiding=Hiding(OF), said=said).why == why, (kind, names)


def test_a_files_name_is_cleared_too() -> None:
    found = kept(file(b"x", name=f"{PERSONS[0]}.txt"), hiding=Hiding(OF, PERSONS), said={})
    assert found.name == f"{OF(PERSONS[0])}.txt"

"""What is said of each point of the annex: what there is, what it lacks, how to supply it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from dossier_testbed import NOW, identity, material

from trustworks.assurance.dossier.contents import contents
from trustworks.assurance.dossier.listed import differences, in_list
from trustworks.assurance.dossier.model import Input, Kept, Material, Rank
from trustworks.assurance.dossier.pack import DOCUMENTS
from trustworks.assurance.dossier.points import POINTS, Found, State, index
from trustworks.assurance.model import PAPERS, PaperKind, Provenance, ProviderPaper, SourceKind
from trustworks.assurance.sources import ListedService
from trustworks.core.pki.trusted_lists.anchors import Period
from trustworks.core.pki.trusted_lists.uris import CA_QC, GRANTED, WITHDRAWN

BY_PROVIDER = [number for number, _, by_assessor in POINTS if not by_assessor]


def paper(kind: PaperKind, digit: str = "7") -> ProviderPaper:
    return ProviderPaper(
        kind=kind,
        title=f"Of {kind}",
        version="2.1",
        sha256=digit * 64,
        written=date(2026, 3, 4),
        pages="page 9",
    )


def file_of(one: ProviderPaper, content: bytes | None) -> Kept:
    return Kept(
        sha256=one.sha256,
        name="file.txt",
        source="the provider",
        retrieved=NOW,
        size=3,
        content=content,
        why="" if content else "it names persons",
    )


def of_dossier(made: Material) -> tuple[dict[str, Any], dict[str, bytes]]:
    found, _ = contents(made)
    files = {one.name: one.content for one in found}
    return {one["number"]: one for one in json.loads(files["annex-iii/index.json"])["points"]}, files


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-SUPPLY")
def test_every_point_that_is_missing_says_how_to_supply_it() -> None:
    for one in index({}):
        if one.number in BY_PROVIDER and one.number != "8":  # of one provider by itself
            assert one.state is State.MISSING
            assert "`trustworks " in one.note or "configuration" in one.note or "Samples" in one.note, one


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-SUPPLY")
def test_a_point_is_there_in_part_until_every_needed_kind_is_handed_in() -> None:
    needed = [kind for kind, use in PAPERS.items() if "13(h)" in use.points and use.needed]
    for number in range(len(needed) + 1):
        found = Found(files=("a",), kinds=frozenset(needed[:number]))
        (point,) = (one for one in index({"13(h)": found}) if one.number == "13(h)")
        assert point.state is (State.PRESENT if number == len(needed) else State.PART)
        assert all(f"paper add {kind} FILE" in point.note for kind in needed[number:])
    assert PaperKind.ACCOUNTS not in needed  # where there are any


@pytest.mark.parametrize("kind", [one for one in PaperKind if one is not PaperKind.CORRECTIONS])
def test_a_document_that_is_handed_in_is_in_the_pack_with_hash_day_and_page(kind: PaperKind) -> None:
    one = paper(kind)
    made = replace(material(whole=False), handed_in=(one,), files=(file_of(one, b"abc"),))
    points, files = of_dossier(made)
    (listed,) = json.loads(files[DOCUMENTS])["documents"]
    assert (listed["version"], listed["date"], listed["pages"]) == ("2.1", "2026-03-04", "page 9")
    assert listed["sha256"] == one.sha256
    assert files[listed["file"]] == b"abc"
    for number in PAPERS[kind].points:
        assert points[number]["state"] in {"present", "in part"}
        assert listed["file"] in points[number]["files"]
    page = files["dossier.html"].decode()
    assert "page 9" in page
    assert one.sha256[:16] in page


def test_a_document_that_is_withheld_is_on_the_list_and_the_point_is_there() -> None:
    one = paper(PaperKind.TERMINATION)
    points, files = of_dossier(replace(material(whole=False), handed_in=(one,), files=(file_of(one, None),)))
    (listed,) = json.loads(files[DOCUMENTS])["documents"]
    assert (listed["file"], listed["withheld"]) == (None, "it names persons")
    assert (points["13(d)"]["state"], points["13(d)"]["files"]) == ("present", [DOCUMENTS])
    assert "withheld" in files["dossier.html"].decode()


def test_what_the_systems_know_is_a_file_and_a_part_of_the_point() -> None:
    known = Input(
        point="2",
        name="02-provider",
        about="who",
        values={"name": "Example"},
        lacks=("Postal address: missing.",),
        instead=frozenset({PaperKind.REGISTRATION}),
    )
    points, files = of_dossier(replace(material(whole=False), inputs=(known,)))
    assert json.loads(files["annex-iii/02-provider.json"]) == {"name": "Example"}
    assert points["2"]["state"] == "in part"
    assert points["2"]["note"].startswith("Postal address: missing. Missing: everybody else")
    papers = tuple(map(paper, (PaperKind.REGISTRATION, PaperKind.PARTIES)))
    points, _ = of_dossier(replace(material(whole=False), inputs=(known,), handed_in=papers))
    assert (points["2"]["state"], points["2"]["note"]) == ("present", "")


def listed_service(**given: Any) -> ListedService:
    provenance = Provenance(
        kind=SourceKind.TRUSTED_LIST, document="8" * 64, name="XX.xml", retrieved=NOW, place="XX"
    )
    since = datetime(2025, 1, 1, tzinfo=UTC)
    values: dict[str, Any] = {
        "status": GRANTED,
        "granted": (Period(since=since, until=None),),
        "keys": (),
        **given,
    }
    return ListedService(
        territory="XX",
        provider="Example",
        name="Issuing CA",
        type=CA_QC,
        since=since,
        purposes=(),
        qualifiers=(),
        provenance=provenance,
        **values,
    )


@pytest.mark.parametrize(
    ("given", "by", "told"),
    [
        ({"keys": ("1" * 64,)}, "certificate", None),
        ({"public_keys": ("9" * 64,)}, "key, in another certificate", "by its key, in another certificate"),
        ({"key_identifiers": (b"ca".hex().ljust(40, "0"),)}, "key identifier", "by its key identifier"),
        ({"keys": ("1" * 64,), "status": WITHDRAWN}, "certificate", "as withdrawn since 2025-01-01"),
        ({"keys": ("2" * 64,), "public_keys": ("3" * 64,)}, None, "ca (SKI 6361"),
    ],
)
@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-LISTED")
def test_a_service_is_found_on_a_list_by_its_key_and_what_differs_is_told(
    given: dict[str, Any], by: str | None, told: str | None
) -> None:
    ours = [replace(identity("ca", Rank.ISSUING), spki_sha256="9" * 64)]
    found = tuple(in_list(ours, [listed_service(**given)]))
    assert [one.by for one in found] == ([] if by is None else [by])
    sentences = differences(ours, found, "XX")
    assert len(sentences) == (told is not None)
    assert all(told is not None and told in one for one in sentences)

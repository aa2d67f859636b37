"""One certificate out of several imports: the newer of one kind, a conflict between two kinds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from certificate_sources import RETRIEVED, as_json, cmvp_page, cmvp_record, downloaded

from trustworks.assurance.model import (
    Certificate,
    CertificateKind,
    Conflict,
    FactName,
    Provenance,
    SourceKind,
    Status,
)
from trustworks.assurance.records import catalogued, replace_catalogue
from trustworks.assurance.sources import merge, read_any, stale
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.core.store import Database


def record(retrieved: datetime = RETRIEVED, **changes: object) -> Certificate:
    (certificate,) = read_any(as_json(cmvp_record(**changes)), downloaded(retrieved=retrieved)).certificates
    return certificate


LATER = RETRIEVED + timedelta(days=3)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-ONE")
def test_the_same_certificate_twice_is_one() -> None:
    once = merge(None, record())
    assert merge(once, record()) == once
    (page,) = read_any(cmvp_page(), downloaded()).certificates
    both = merge(once, page)
    assert both.id == once.id == page.id
    assert {one.provenance.kind for one in both.told(FactName.PRODUCT)} == {
        SourceKind.CMVP_RECORD,
        SourceKind.CMVP_PAGE,
    }
    assert merge(merge(both, page), record()).facts == both.facts


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-NEWEST")
def test_the_newer_retrieval_of_one_kind_stays_in_whatever_order() -> None:
    old, new = record(), record(LATER, status="Historical", dataset="historical")
    for joined in (merge(old, new), merge(new, old)):
        assert joined.value(FactName.STATUS) is Status.HISTORICAL
        assert [one.provenance.retrieved for one in joined.told(FactName.STATUS)] == [LATER]
        assert [one.provenance.retrieved for one in joined.told(FactName.PRODUCT)] == [LATER]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-NEWEST")
def test_two_kinds_that_differ_are_a_conflict_and_none_is_overwritten() -> None:
    (page,) = read_any(cmvp_page(), downloaded(retrieved=RETRIEVED)).certificates
    joined = merge(page, record(LATER, overall_level=2))
    value = joined.value(FactName.OVERALL_LEVEL)
    assert isinstance(value, Conflict)
    assert {(one.provenance.kind, one.value) for one in value.facts} == {
        (SourceKind.CMVP_PAGE, 3),
        (SourceKind.CMVP_RECORD, 2),
    }
    settled = merge(joined, record(LATER + timedelta(days=1), overall_level=3))
    assert settled.value(FactName.OVERALL_LEVEL) == 3


def test_what_a_newer_document_does_not_say_stays_with_its_age() -> None:
    joined = merge(record(), record(LATER, caveat=..., hardware_versions=...))
    (fact,) = joined.told(FactName.HARDWARE)
    assert fact.provenance.retrieved == RETRIEVED


def test_the_file_of_the_owner_stays() -> None:
    owned = Certificate(kind=CertificateKind.FIPS, number="9001", facts=(), file="ab" * 32)
    assert merge(owned, record()).file == "ab" * 32
    assert merge(record(), owned).file == "ab" * 32


def test_different_certificates_are_not_merged() -> None:
    with pytest.raises(Malformed, match="fips:9001 and fips:7 are different"):
        merge(record(), record(certificate_number="7"))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-NEWEST")
def test_the_catalogue_keeps_the_newer_download_of_one_kind(database: Database) -> None:
    old, new = record(), record(LATER, status="Historical", dataset="historical")
    for first, second in ((old, new), (new, old)):
        with database.begin() as connection:
            for one in (first, second):
                replace_catalogue(connection, "cmvp-record", (one,))
            (kept,) = catalogued(connection, "fips:9001")
        assert kept.value(FactName.STATUS) is Status.HISTORICAL
        assert {one.provenance.retrieved for one in kept.facts} == {LATER}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-AGE")
@pytest.mark.parametrize(
    ("at", "days", "old"),
    [
        (date(2026, 4, 15), 30, False),
        (date(2026, 5, 15), 30, False),
        (date(2026, 5, 16), 30, True),
        (date(2026, 4, 16), 0, True),
        (date(2025, 1, 1), 30, False),
    ],
)
def test_age(at: date, days: int, old: bool) -> None:
    provenance = Provenance(
        kind=SourceKind.CMVP_LIST, document="00" * 32, name="list", retrieved=RETRIEVED, place="line 1"
    )
    assert stale(provenance, at, days) is old

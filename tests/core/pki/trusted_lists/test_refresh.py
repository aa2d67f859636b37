"""A store of trusted lists: refreshed, kept, read from its cache, and asked for anchors."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from trusted_list_bench import (
    LOTL,
    NOW,
    PUBLICATION,
    list_of_lists,
    list_xml,
    party,
    provider,
    service,
    sign,
    state,
)

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.building import CertificatePool, build_paths
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists import authenticate as auth
from trustworks.core.pki.trusted_lists import store as store_module
from trustworks.core.pki.trusted_lists.anchors import (
    ListedAnchor,
    ListedTrustAnchors,
    Period,
    approved_periods,
    name_digest,
)
from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
from trustworks.core.pki.trusted_lists.fetch import Folder
from trustworks.core.pki.trusted_lists.identities import listed_certificate
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.refresh import Result, refresh, replaces, still_pinned
from trustworks.core.pki.trusted_lists.store import TrustStore, read_state
from trustworks.core.pki.trusted_lists.uris import CA_QC, GRANTED, UNDER_SUPERVISION, WITHDRAWN

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.pki.trusted_lists.model import ListedCertificate
    from trustworks.core.pki.trusted_lists.refresh import Outcome

COMMISSION, GREEK, BELGIAN = party("Commission"), party("Greek operator"), party("Belgian operator")
OWN = party("Provider")
JOURNAL = OfficialJournal(publication=PUBLICATION, location=LOTL, certificates=(COMMISSION.der,))
EL, BE = "https://lists.example/EL.xml", "https://lists.example/BE.xml"
GRANTED_AT = datetime(2017, 1, 1, tzinfo=UTC)


def greek(
    number: int = 5,
    *,
    issued: datetime = NOW - timedelta(days=20),
    next_update: datetime = NOW + timedelta(days=100),
) -> bytes:
    services = service(
        state(OWN.der, since=GRANTED_AT),
        state(status=UNDER_SUPERVISION, since=datetime(2012, 1, 1, tzinfo=UTC)),
    )
    listed = [provider("Provider", services)]
    return sign(list_xml(number=number, issued=issued, next_update=next_update, providers=listed), GREEK)


@pytest.fixture
def files() -> dict[str, bytes]:
    return {
        LOTL: list_of_lists({"EL": GREEK, "BE": BELGIAN}, signer=COMMISSION),
        EL: greek(),
        BE: sign(list_xml("BE"), BELGIAN),
    }


def renew(directory: Path, files: dict[str, bytes], at: datetime = NOW) -> dict[str, Outcome]:
    def fetch(address: str) -> bytes:
        if address not in files:
            raise Unavailable("test", f"{address} is not there.")
        return files[address]

    return {one.territory: one for one in refresh(directory, JOURNAL, fetch, at)}


def test_lists_are_fetched_kept_and_found_again_in_the_cache(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert {one.result for one in renew(tmp_path, files).values()} == {Result.NEW}
    assert {one.result for one in renew(tmp_path, files).values()} == {Result.UNCHANGED}
    store = TrustStore.load(tmp_path, NOW)
    for territory, address in (("EU", LOTL), ("EL", EL), ("BE", BE)):
        assert store.authenticated(territory).list == read_trusted_list(files[address])
    assert store.authenticated("FR").sub_status == (auth.UNAVAILABLE,)
    assert read_state(tmp_path)[0].journal == JOURNAL


def test_a_bad_list_replaces_nothing_and_the_reason_is_told(tmp_path: Path, files: dict[str, bytes]) -> None:
    renew(tmp_path, files)
    good = files[EL]
    for bad, why in (
        (greek(4), "sequence number 4, before the 5"),
        (greek(6, next_update=NOW - timedelta(days=1)), "next update of the new list was due"),
        (greek(6, issued=datetime(2026, 1, 1, tzinfo=UTC)), "was issued on 2026-01-01"),
        (sign(list_xml(number=6), BELGIAN), "does not name for EL"),
        (sign(list_xml("BE", number=6), GREEK), "is that of BE"),
        (good.replace(b">Operator<", b">Intruder<"), "not validly signed"),
        (b"gone", "not well-formed"),
        (None, "is not there"),
    ):
        outcome = renew(tmp_path, {**{one: files[one] for one in (LOTL, BE)}, **({EL: bad} if bad else {})})
        assert outcome["EL"].result is Result.KEPT
        assert why in outcome["EL"].words
        assert outcome["BE"].result is Result.UNCHANGED
        assert (tmp_path / "EL.xml").read_bytes() == good
        assert TrustStore.load(tmp_path, NOW).authenticated("EL").list == read_trusted_list(good)
    assert renew(tmp_path, {**files, EL: greek(7)})["EL"].result is Result.NEW


@pytest.mark.req("TS119612:5.3.2", "TS119612:5.3.15")
def test_only_what_is_newer_and_still_holds_replaces_a_list() -> None:
    kept = read_trusted_list(greek(5))
    assert replaces(read_trusted_list(greek(6)), kept, NOW) == ""
    assert "sequence number 4" in replaces(read_trusted_list(greek(4)), kept, NOW)
    overdue = read_trusted_list(greek(6, next_update=NOW - timedelta(days=1)))
    assert "was due" in replaces(overdue, kept, NOW)
    assert replaces(overdue, None, NOW) == ""
    # Once both are overdue, the newer one is still the better one.
    assert replaces(overdue, kept, NOW + timedelta(days=400)) == ""


def test_a_list_of_lists_that_is_gone_leaves_the_kept_one_until_it_is_overdue(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    renew(tmp_path, files)
    outcome = renew(tmp_path, {EL: greek(6), BE: files[BE]})
    assert [outcome[one].result for one in ("EU", "EL")] == [Result.KEPT, Result.NEW]
    later = NOW + timedelta(days=200)
    outcome = renew(tmp_path, {EL: greek(7), BE: files[BE]}, later)
    assert [outcome[one].result for one in ("EU", "EL")] == [Result.KEPT, Result.KEPT]
    store = TrustStore.load(tmp_path, later)
    assert store.authenticated("EL").sub_status == (auth.LOTL_FAILED, auth.LOTL_OVERDUE)
    assert store.anchors == ()
    lenient = TrustStore.load(tmp_path, later, overdue_lists=True)
    assert lenient.authenticated("EL").sub_status == (auth.LOTL_OVERDUE, auth.EUTL_OVERDUE)
    assert lenient.anchors != ()


@pytest.mark.req("TS119615:PRO-4.2.4-05")
def test_a_kept_list_whose_signer_is_no_longer_named_is_dropped(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    renew(tmp_path, files)
    moved = list_of_lists({"EL": BELGIAN, "BE": BELGIAN}, signer=COMMISSION, number=301)
    entry = read_state(tmp_path)[0].entry("EL")
    assert entry is not None
    assert still_pinned(read_trusted_list(files[LOTL]), entry)
    assert not still_pinned(read_trusted_list(moved), entry)
    outcome = renew(tmp_path, {**files, LOTL: moved})
    assert outcome["EL"].result is Result.MISSING
    assert TrustStore.load(tmp_path, NOW).authenticated("EL").list is None


def test_a_cache_that_is_damaged_old_or_gone_is_made_anew(tmp_path: Path, files: dict[str, bytes]) -> None:
    renew(tmp_path, files)
    cache = tmp_path / "cache"
    whole = cache.read_bytes()
    for octets in (b"", whole[:-1], whole[:100], whole[:-1] + bytes([whole[-1] ^ 1])):
        cache.write_bytes(octets)
        assert TrustStore.load(tmp_path, NOW).authenticated("EL").list == read_trusted_list(files[EL])
        assert cache.read_bytes() == whole
    renew(tmp_path, {**files, EL: greek(6)})
    cache.write_bytes(whole)  # of the state before
    found = TrustStore.load(tmp_path, NOW).authenticated("EL").list
    assert found is not None
    assert found.scheme.sequence_number == 6
    cache.unlink()
    (tmp_path / "EL.xml").write_bytes(greek(8))
    with pytest.raises(Malformed, match="was changed since it was fetched"):
        TrustStore.load(tmp_path, NOW)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def ended_at(monkeypatch: pytest.MonkeyPatch, name: str, which: str) -> None:
    """From now on the process ends when `name` of the store's module is called for that file or folder."""
    whole = getattr(store_module, name)

    def write(place: Path, *rest: object) -> None:
        if place.name == which:
            raise Killed
        whole(place, *rest)

    monkeypatch.setattr(store_module, name, write)


@pytest.mark.parametrize("step", ["state.json", "settle", "cache"])
def test_a_refresh_that_ends_halfway_leaves_the_old_lists_or_the_new_ones(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Before the state is written the old list is the one, afterwards the new one; and it is there."""
    renew(tmp_path, files)
    with monkeypatch.context() as patch:
        if step == "settle":
            ended_at(patch, "_settle", tmp_path.name)
        else:
            ended_at(patch, "put", step)
        with pytest.raises(Killed):
            renew(tmp_path, {**files, EL: greek(6)})
    good = files[EL] if step == "state.json" else greek_six(tmp_path)
    assert TrustStore.load(tmp_path, NOW).authenticated("EL").list == read_trusted_list(good)
    # The country's server is down, or somebody shows an old list: the last good copy is kept.
    for shown in ({}, {EL: greek(4)}):
        outcome = renew(tmp_path, {LOTL: files[LOTL], BE: files[BE], **shown})
        assert outcome["EL"].result is Result.KEPT, outcome["EL"].words
        assert TrustStore.load(tmp_path, NOW).authenticated("EL").list == read_trusted_list(good)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        *("BE.xml", "EL.xml", "EU.xml", "cache", "state.json")
    ], "nothing is left of the one that ended"


def greek_six(directory: Path) -> bytes:
    """The octets of list number 6: signed anew each time it is made, so they are looked for in the store."""
    (found,) = (
        octets
        for octets in (one.read_bytes() for one in directory.glob("EL*.xml"))
        if read_trusted_list(octets).scheme.sequence_number == 6
    )
    return found


def test_refreshes_of_one_store_wait_for_each_other(tmp_path: Path, files: dict[str, bytes]) -> None:
    held = []

    def fetch(address: str) -> bytes:
        other = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.append(address)
        finally:
            os.close(other)
        return files[address]

    refresh(tmp_path, JOURNAL, fetch, NOW)
    assert set(held) >= {LOTL, EL, BE}
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given back
    os.close(other)


def test_a_store_that_knows_nobody_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="--anchor"):
        refresh(tmp_path / "new", None, Folder(tmp_path, most=1000), NOW)
    with pytest.raises(Malformed, match="trust refresh"):
        TrustStore.load(tmp_path, NOW)
    (tmp_path / "state.json").write_text('{"format": "x"}')
    with pytest.raises(Malformed, match="damaged"):
        TrustStore.load(tmp_path, NOW)


def test_services_are_anchors_from_when_they_were_approved(tmp_path: Path, files: dict[str, bytes]) -> None:
    renew(tmp_path, files)
    store = TrustStore.load(tmp_path, NOW)
    (anchor,) = store.anchors
    assert (anchor.certificate.der, anchor.type) == (OWN.der, CA_QC)
    assert anchor.label == "EL: Provider: Service"
    assert anchor.period == Period(since=datetime(2012, 1, 1, tzinfo=UTC), until=None)


def test_anchors_are_read_when_a_path_leads_to_them(tmp_path: Path, files: dict[str, bytes]) -> None:
    renew(tmp_path, files)
    store = TrustStore.load(tmp_path, NOW)
    anchors = store.trust_anchors(CA_QC)
    own, other = Certificate.read(OWN.der), Certificate.read(GREEK.der)
    (found,) = anchors.named(own.subject)
    assert (found.certificate, found.label) == (own, store.anchors[0])
    assert anchors.anchors == (found,)
    assert (found.since, found.sunset) == (datetime(2012, 1, 1, tzinfo=UTC), None)
    assert list(anchors.being(own)) == [found]
    assert anchors.named(other.subject) == anchors.being(other) == ()
    assert [path.anchor for path in build_paths(own, anchors=anchors, pool=CertificatePool())] == [found]
    assert anchors
    assert not store.trust_anchors("another type")


def test_an_anchor_whose_certificate_cannot_be_read_is_a_name_with_a_key() -> None:
    own = Certificate.read(OWN.der)
    listed = listed_certificate(OWN.der)
    assert (listed.subject, listed.key) == (own.subject.der, own.key.der)
    broken = replace(listed, der=OWN.der[:-5])

    def anchor(certificate: ListedCertificate) -> ListedAnchor:
        return ListedAnchor(
            certificate=certificate,
            type=CA_QC,
            territory="EL",
            provider="P",
            service="S",
            period=Period(since=GRANTED_AT, until=NOW),
            place=(0, 0),
            name_digest=name_digest(own.subject),
        )

    found = anchor(broken).trust_anchor()
    assert (found.subject, found.key, found.certificate) == (own.subject, own.key, None)
    assert found.sunset == NOW
    anchors = ListedTrustAnchors([anchor(broken), anchor(replace(broken, subject=b"x"))])
    assert list(anchors.being(own)) == list(anchors.named(own.subject)) == [found]


@pytest.mark.req("TS119612:5.5.4")
def test_a_withdrawn_service_is_an_anchor_for_the_past_alone() -> None:
    times = [datetime(year, 1, 1, tzinfo=UTC) for year in (2012, 2015, 2017, 2020)]
    statuses = [UNDER_SUPERVISION, WITHDRAWN, GRANTED, WITHDRAWN]
    states = [state(OWN.der, status=one, since=at) for one, at in zip(statuses, times, strict=True)]
    text = list_xml(providers=[provider("P", service(*reversed(states)))])
    found = approved_periods(read_trusted_list(text.encode()).providers[0].services[0])
    assert found == (
        Period(since=times[2], until=times[3]),
        Period(since=times[0], until=times[1]),
    )
    assert found[0].holds(times[2])
    assert not found[0].holds(times[3])


def test_files_of_a_directory_are_found_by_either_name(tmp_path: Path) -> None:
    fetch = Folder(tmp_path, most=10)
    (tmp_path / "https___lists_example_EL_xml").write_bytes(b"whole")
    (tmp_path / "BE.xml").write_bytes(b"last part")
    (tmp_path / "FR.xml").write_bytes(b"far too long")
    assert fetch(EL) == b"whole"
    assert fetch(BE) == b"last part"
    with pytest.raises(Malformed, match="more than 10 octets"):
        fetch("https://lists.example/FR.xml")
    for address in ("https://x.example/", "https://x.example/..", "https://x.example/%2e%2e"):
        with pytest.raises(Unavailable):
            fetch(address)

"""Our own trusted lists for our own validator: out of the database, and only what is published there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from trustworks.app.wiring.own_lists import OwnLists
from trustworks.core.errors import Unavailable
from trustworks.core.pki.trusted_lists.store import Entry, State
from trustworks.core.store import Database, StoreSettings
from trustworks.issuance.trusted_list import records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "http://tsp.example.com:8080"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
KINDS = {records.LIST: "XX", records.LIST_OF_LISTS: "EU"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(StoreSettings(url=f"sqlite:///{tmp_path}/store.db")) as found:
        found.upgrade()
        yield found


def octets(kind: str, number: int) -> bytes:
    return f"{kind} {number}".encode()


def publish(database: Database, number: int) -> None:
    with database.begin() as connection:
        for kind in KINDS:
            issue = records.Issue(
                kind=kind,
                number=number,
                territory="XX",
                issued_at=NOW,
                next_update=NOW + timedelta(days=30),
                sha256=hashlib.sha256(octets(kind, number)).hexdigest(),
                octets=octets(kind, number),
                signer=b"a certificate",
                published_by="test",
            )
            records.add(connection, issue)


def state(number: int) -> State:
    """Of a store that has the lists of that number."""
    entries = (
        Entry(territory=name, location="", tried=NOW, sha256=hashlib.sha256(octets(kind, number)).hexdigest())
        for kind, name in KINDS.items()
    )
    return State(entries=tuple(entries))


def test_the_lists_in_force_are_given_by_their_own_addresses_alone(database: Database) -> None:
    own = OwnLists(database, f"{URL}/", "XX")
    assert own.location == f"{URL}/tl/lotl.xml"
    with pytest.raises(Unavailable, match="No trusted list of our own was published yet"):
        own(own.location)
    publish(database, 1)
    publish(database, 2)
    assert own(own.location) == octets(records.LIST_OF_LISTS, 2)
    assert own(f"{URL}/tl/XX.xml") == octets(records.LIST, 2)
    for other in ("https://elsewhere.example/tl/lotl.xml", f"{URL}/tl/EL.xml", f"{URL}/tl/"):
        with pytest.raises(Unavailable, match="is not the address of a list of our own"):
            own(other)


def test_new_lists_are_seen_at_once(database: Database) -> None:
    own = OwnLists(database, URL, "XX")
    assert not own.have_changed(State()), "there is none to take"
    publish(database, 1)
    assert own.have_changed(State())
    assert not own.have_changed(state(1))
    publish(database, 2)
    assert own.have_changed(state(1))

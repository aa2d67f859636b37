"""The jobs make the dossiers that are ordered at the console; one that fails says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.dossier import making
from trustworks.app.dossier.orders import Orders, OrderState, listed
from trustworks.app.processes.dossiers import fulfil
from trustworks.assurance.dossier.model import Profile
from trustworks.assurance.dossier.packing import Made
from trustworks.core.audit import Recorder
from trustworks.core.errors import Unavailable
from trustworks.core.time.day import RELEASED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # one is enough here


class Wiring:
    """A configuration; nothing of it is asked for."""

    loaded = None

    @classmethod
    def over(cls, loaded: None) -> Wiring:
        del loaded
        return cls()


@pytest.fixture
def orders(database: Database) -> Iterator[Orders]:
    from datetime import UTC, datetime, time  # noqa: PLC0415

    moment = datetime.combine(RELEASED, time(), UTC)
    with Recorder.open(database, "jobs-dossier") as recorder:
        yield Orders(database, recorder, lambda: moment)


def run(
    orders: Orders, database: Database, monkeypatch: pytest.MonkeyPatch, make: Callable[..., Made]
) -> tuple[OrderState, str, str | None]:
    """Order one, let it be made by `make`; what became of it."""
    orders.ask(by="dora", profile=Profile.PSEUDONYMS)
    order = orders.take()
    assert order is not None
    monkeypatch.setattr(making, "make", make)
    wiring: Any = Wiring()
    fulfil(wiring, orders, order)
    with database.read() as connection:
        (found,) = listed(connection)
    return found.state, found.told, found.manifest


def test_what_is_made_is_kept_for_who_ordered(
    orders: Orders, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []

    def make(wiring: object, asked: making.Asked, *, told: Callable[[str], None]) -> Made:
        del wiring
        assert (asked.out, asked.profile, asked.by) == (None, Profile.PSEUDONYMS, "dora")
        told("The files are made.")
        with database.read() as connection:
            steps.append(listed(connection)[0].told)
        return Made(manifest="ab" * 32, files=(), container=b"PK")

    assert run(orders, database, monkeypatch, make) == (OrderState.DONE, "2 octets.", "ab" * 32)
    assert steps == ["The files are made."]
    assert orders.download(1, by="dora")[1] == b"PK"


def test_what_stops_it_is_told(orders: Orders, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(*_: object, **__: object) -> Made:
        raise Unavailable("dossier.seal", "The certificate of the seal is revoked.")

    state, told, manifest = run(orders, database, monkeypatch, make)
    assert (state, told, manifest) == (OrderState.FAILED, "The certificate of the seal is revoked.", None)


def test_a_fault_of_the_program_ends_the_order_too(
    orders: Orders, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: object, **__: object) -> Made:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(orders, database, monkeypatch, make)
    with database.read() as connection:
        assert listed(connection)[0].state is OrderState.FAILED

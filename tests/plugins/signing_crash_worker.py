"""What is killed in the crash tests of signing: a service that stops at one point of a seal, and says so."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from signing_desk import Here, seal_of, settings
from signing_house import house

from trustworks.core.audit import Recorder
from trustworks.core.store import Database
from trustworks.signing.desk import Desk, Seal

if TYPE_CHECKING:
    from crash import Say

    from trustworks.core.store import StoreSettings

POINTS = ("asked", "signed", "recorded")


def desk_of(database: Database, recorder: Recorder, seal: Seal) -> Desk:
    """A service whose client may have two seals."""
    here: Any = Here()
    return Desk(
        settings(),
        here,
        seals={"main": seal},
        database=database,
        recorder=recorder,
        clock=lambda: datetime.now(UTC),
    )


def seal_until(say: Say, store: StoreSettings, message: bytes, point: str) -> None:
    """Have a document sealed, and stop before the key signs, after it, or when all is recorded."""

    def stop(here: str) -> None:
        if here == point:
            say(here)
            threading.Event().wait()

    seal = seal_of(house().person())

    def sign(octets: bytes) -> bytes:
        stop("asked")
        value = seal.sign(octets)
        stop("signed")
        return value

    with Database.open(store) as database, Recorder.open(database, "crash") as recorder:
        desk = desk_of(database, recorder, replace(seal, sign=sign))
        logged: Any = recorder
        transact = logged.transact

        def transacted(*given: Any) -> None:
            transact(*given)
            stop("recorded")

        logged.transact = transacted
        desk._seal(desk.settings.clients[0], message)
        say("answered")

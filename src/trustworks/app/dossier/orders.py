"""Dossiers that were ordered at the console: the queue, how far each is, and the file that came of it.

Who orders needs no key; the jobs, who open the seal's token, take one order after the other. Of finished
dossiers the newest files are kept; of each the log has who ordered, made and downloaded it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, func, select, update

from trustworks.assurance.dossier.model import Profile
from trustworks.core.audit.model import Event
from trustworks.core.errors import BeyondLimit, Rejected
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database

KEPT: Final = 5
"""Files that are kept; of older orders what came of them stays."""
LARGEST: Final = 128 * 1024 * 1024  # octets
_LONGEST: Final = 1000

_orders = Table(
    "dossier_orders",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("profile", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("told", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("manifest", String(64), nullable=True),
    Column("content", LargeBinary, nullable=True),
)
_HEAD: Final = tuple(one for one in _orders.c if one.name != "content")


class OrderState(StrEnum):
    """How far an order is."""

    WAITING = "waiting"
    MAKING = "under way"
    DONE = "done"
    FAILED = "failed"


_OPEN: Final = (OrderState.WAITING.value, OrderState.MAKING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order. `told` says how far it is, or why it failed.

    Once it is done `manifest` is set, and `has_file` says whether its file is still there.
    """

    number: int
    asked_at: datetime
    asked_by: str
    profile: Profile
    state: OrderState
    told: str
    changed_at: datetime
    manifest: str | None
    has_file: bool

    @property
    def is_open(self) -> bool:
        """Whether something is still to come of it."""
        return self.state.value in _OPEN

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"dossier-{self.asked_at:%Y-%m-%d}-{self.number}.asice"


class Orders:
    """The queue over an open database and audit log. `now` answers the moment, UTC-aware."""

    def __init__(self, database: Database, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._database = database
        self._recorder = recorder
        self._now = now

    def ask(self, *, by: str, profile: Profile) -> int:
        """Order a dossier; answers its number. Raises `Rejected` (dossier.ordered) while one is open."""

        def action(connection: Connection) -> int:
            check_free(_open(connection))
            number = (connection.scalar(select(func.max(_orders.c.number))) or 0) + 1
            connection.execute(
                _orders.insert().values(
                    number=number,
                    asked_at=self._now(),
                    asked_by=by,
                    profile=profile.value,
                    state=OrderState.WAITING.value,
                    told="It waits for the jobs.",
                    changed_at=self._now(),
                )
            )
            return number

        return self._recorder.transact(
            lambda number: self._event("ordered", by, number, {"profile": profile.value}), action
        )

    def take(self) -> Order | None:
        """The order that waits longest, under way from now on; None where none waits."""
        with self._database.read() as connection:  # seldom is there one, and then nothing is to be written
            waiting = _first(connection)
        if waiting is None:
            return None
        self.tell(waiting.number, "It is begun.", state=OrderState.MAKING)
        return waiting

    def give_up(self, why: str) -> None:
        """Fail what a process that ended had under way."""
        with self._database.read() as connection:
            left = [one for one in listed(connection) if one.state is OrderState.MAKING]
        for one in left:
            self.tell(one.number, why, state=OrderState.FAILED)

    def tell(self, number: int, told: str, *, state: OrderState = OrderState.MAKING) -> None:
        """Say how far an order is."""
        self._change(number, state=state.value, told=told[:_LONGEST])

    def finish(self, number: int, *, manifest: str, content: bytes) -> None:
        """Keep what came of an order, and let go of the oldest files. Raises `BeyondLimit`."""
        if len(content) > LARGEST:
            raise BeyondLimit(
                f"The dossier has more than the {LARGEST} octets that are kept. Make it by `trustworks "
                "assurance dossier --out FILE`."
            )
        told = f"{len(content):,} octets."
        done = OrderState.DONE.value
        self._change(number, state=done, told=told, manifest=manifest, content=content)
        with self._database.begin() as connection:
            kept = select(_orders.c.number).where(_orders.c.content.is_not(None))
            oldest = connection.scalars(kept.order_by(_orders.c.number.desc()).offset(KEPT)).all()
            connection.execute(update(_orders).where(_orders.c.number.in_(oldest)).values(content=None))

    def download(self, number: int, *, by: str) -> tuple[Order, bytes]:
        """The file of an order, once the log has who got it. Raises `Rejected` (dossier.no-file)."""
        with self._database.read() as connection:
            row = connection.execute(select(_orders).where(_orders.c.number == number)).first()
        if row is None or row.content is None:
            raise Rejected(
                "dossier.no-file",
                f"The dossier {number} has no file here: it failed, or {KEPT} others followed it. Make one.",
            )
        order = _order(row, has_file=True)
        self._recorder.record(self._event("downloaded", by, number, {"manifest": order.manifest or ""}))
        return order, bytes(row.content)

    def _change(self, number: int, **values: Any) -> None:
        with self._database.begin() as connection:
            connection.execute(
                update(_orders).where(_orders.c.number == number).values(changed_at=self._now(), **values)
            )

    def _event(self, what: str, by: str, number: int, detail: dict[str, str]) -> Event:
        return Event(
            type=f"assurance.dossier-{what}",
            outcome="success",
            actor=by,
            subject={"order": str(number)},
            detail={**detail},
            time=self._now(),
        )


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-ORDERED", disabled=None)
def check_free(order: Order | None) -> None:
    """Refuse an order while another is open: a dossier takes the seal and the processor for seconds."""
    if order is not None:
        raise Rejected(
            "dossier.ordered",
            f"{order.asked_by} has ordered a dossier, which is {order.state}. Wait for it, and download it.",
        )


def listed(connection: Connection, *, most: int = 20) -> list[Order]:
    """The newest orders, without their files."""
    query = select(*_HEAD, _orders.c.content.is_not(None).label("has_file"))
    rows = connection.execute(query.order_by(_orders.c.number.desc()).limit(most))
    return [_order(row, has_file=bool(row.has_file)) for row in rows]


def _open(connection: Connection) -> Order | None:
    return next((one for one in listed(connection) if one.is_open), None)


def _first(connection: Connection) -> Order | None:
    waiting = [one for one in listed(connection) if one.state is OrderState.WAITING]
    return waiting[-1] if waiting else None


def _order(row: Any, *, has_file: bool) -> Order:
    return Order(
        number=row.number,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        profile=Profile(row.profile),
        state=OrderState(row.state),
        told=row.told,
        changed_at=row.changed_at,
        manifest=row.manifest,
        has_file=has_file,
    )

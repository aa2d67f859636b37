"""One look at everything that runs: evidence is collected, kept, and what nobody planned becomes an incident.

Life of a round:
1. the register, the planned changes and what was found before are read;
2. every module is asked who it is, and probed;
3. what differs is held against what was planned: exactly that, or it is an incident, drafted with its event;
4. the register gets what the module says of itself, so that the verdicts follow;
5. keys, ceremonies, log, roles, clock, duties and the software itself are looked at;
6. what is new is kept, and the round with it, with its event.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.changes import records as change_records
from trustworks.assurance.changes.model import ChangeAct, ChangeState
from trustworks.assurance.changes.rules import explaining
from trustworks.assurance.changes.service import change_event
from trustworks.assurance.collecting.recorded import attempt, recorded_items
from trustworks.assurance.collecting.uses import uses_of
from trustworks.assurance.evidence import Item, Kind, Outcome, records
from trustworks.assurance.evidence.identity import (
    READ,
    differences,
    identity_in,
    identity_item,
    identity_of,
    product_on,
    sentences,
)
from trustworks.assurance.evidence.model import failed
from trustworks.assurance.evidence.modules import PROBED, health_item
from trustworks.assurance.evidence.traced import TRACED, trace_item
from trustworks.assurance.model import Installation, InstallationState
from trustworks.assurance.registered import facts_of
from trustworks.assurance.service import Register
from trustworks.core.audit import Event
from trustworks.core.errors import TrustworksError, Unavailable
from trustworks.core.module.states import KeyState
from trustworks.core.store.exclusive import exclusively
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from trustworks.assurance.changes.model import Change, Incident
    from trustworks.assurance.collecting.sources import Looked, Sources
    from trustworks.assurance.evidence.identity import Difference
    from trustworks.assurance.evidence.records import Kept, Round
    from trustworks.assurance.model import Facts, Identity, Product
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database

_REMEMBERED: Final = 500  # of a subject's last items, those that are looked at
_RENEWED: Final = timedelta(days=7)  # after which the same finding about the installation is written anew
_IN_USE: Final = frozenset({KeyState.OPERATIONAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What came of a round: the round, the incidents that it drafted, the changes that it saw come."""

    round: Round
    incidents: tuple[Incident, ...] = ()
    observed: tuple[Change, ...] = ()

    @property
    def unexpected(self) -> tuple[Item, ...]:
        """The modules that differ from what was accepted, and nobody planned it."""
        return tuple(
            kept.item
            for kept in self.round.items
            if kept.item.kind is Kind.IDENTITY and kept.item.values.get("differences")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known when a round begins, at `at`."""

    facts: Facts
    changes: Sequence[Change]
    at: datetime


class Collector:
    """Collects evidence over an open audit log; `by` is who lets it: a process, an operator."""

    def __init__(
        self,
        sources: Sources,
        *,
        database: Database,
        recorder: Recorder,
        by: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sources = sources
        self._database = database
        self._recorder = recorder
        self._by = by
        self._now = now
        self._register = Register(recorder, by=by, now=now)

    def run(self, *, trace: bool = True) -> Collected:
        """Look at everything once.

        Without `trace` the table of requirements is not read anew, which takes seconds: what was found of it
        last holds. Raises `Unavailable` (assurance.collecting) while another process looks, and what the
        database and the recorder raise.
        """
        with exclusively(self._database, "assurance-evidence") as free:
            if not free:
                raise Unavailable(
                    "assurance.collecting",
                    "Another process collects evidence at this moment. See what it found: `trustworks "
                    "assurance evidence list`.",
                )
            return self._run(trace=trace)

    def _run(self, *, trace: bool) -> Collected:
        at = self._now()
        with self._database.read() as connection:
            known = _Known(facts=facts_of(connection), changes=change_records.all_changes(connection), at=at)
        items: list[Item] = []
        incidents: list[Incident] = []
        observed: list[Change] = []
        for token in self._sources.tokens:
            product = product_on(known.facts.products, self._sources.uri(token))
            try:
                looked = self._sources.look(token)
            except TrustworksError as error:
                items.append(failed(Kind.IDENTITY, _subject(product, token), at, error, (READ,)))
                items.append(failed(Kind.HEALTH, token, at, error, (PROBED,)))
                continue
            item, incident, change = self._identify(token, product, looked, known)
            items += [item, health_item(token, looked.health, at)]
            incidents += [incident] if incident is not None else []
            observed += [change] if change is not None else []
            self._tell_register(product, looked, item)
        self._tell_register_of_this_software(known.facts.products, at)
        with self._database.read() as connection:
            items += recorded_items(connection, self._sources, known.facts, at)
        if trace:
            items += attempt(
                Kind.TRACE, "trustworks", (TRACED,), lambda: [trace_item(*self._sources.trace(), at)], at
            )
        return Collected(
            round=self._keep(items, at, carried=() if trace else (Kind.TRACE,)),
            incidents=tuple(incidents),
            observed=tuple(observed),
        )

    # Which module it is

    def _identify(
        self,
        token: str,
        product: Product | None,
        looked: Looked,
        known: _Known,
    ) -> tuple[Item, Incident | None, Change | None]:
        at = known.at
        label, uses = self._sources.uri(token).token, uses_of(token, self._sources.services)
        if product is None:
            item = identity_item(None, token, looked.info, at, unexpected=(), label=label, uses=uses)
            return item, None, None
        seen = identity_of(looked.info, at)
        with self._database.read() as connection:
            before = records.listing(connection, kind=Kind.IDENTITY, subject=product.id, limit=_REMEMBERED)
        found = differences(product, accepted_of(before), seen)
        change = explaining(known.changes, product.id, found, at)
        if change is not None:
            planned = {"number": change.number, "differences": [asdict(one) for one in found]}
            item = identity_item(
                product, token, looked.info, at, unexpected=(), planned=planned, label=label, uses=uses
            )
            if change.state is ChangeState.PLANNED:
                return item, None, self._observe(item, change, at)
            return item, None, None
        item = identity_item(product, token, looked.info, at, unexpected=found, label=label, uses=uses)
        if found and not _told(before, found):
            return item, self._draft(item, product, found, known), None
        return item, None, None

    def _observe(self, item: Item, change: Change, at: datetime) -> Change:
        """Note that a change came as it was planned."""
        act = ChangeAct(state=ChangeState.OBSERVED, at=at, by=self._by, reason="")

        def action(connection: Connection) -> Change:
            change_records.take_turn(connection)
            records.put(connection, item)
            return change_records.add_act(connection, change, act)

        return self._recorder.transact(
            lambda after: change_event(
                after,
                by=self._by,
                at=at,
                detail={"expected": {str(name): value for name, value in change.plan.expected.items()}},
            ),
            action,
        )

    def _draft(self, item: Item, product: Product, found: Sequence[Difference], known: _Known) -> Incident:
        """Keep what differs, and draft the incident, with the event that the log has of it."""
        used = sorted({one.service for one in known.facts.bindings if one.product == product.id})
        sentences = tuple(one.sentence for one in found)

        def action(connection: Connection) -> Incident:
            kept, _ = records.put(connection, item)
            return change_records.add_incident(
                connection,
                at=known.at,
                product=product.id,
                services=tuple(used),
                findings=sentences,
                facts={"evidence": kept.number, "token": item.values["token"]},
            )

        return self._recorder.transact(
            lambda incident: Event(
                type="assurance.identity-changed",
                outcome="failure",
                actor=self._by,
                subject={"product": product.id},
                detail={"differences": [asdict(one) for one in found], "incident": incident.number},
                time=known.at,
            ),
            action,
        )

    def _tell_register(self, product: Product | None, looked: Looked, item: Item) -> None:
        """Let the register hold what the module says of itself, where that is another than it said before.

        With what nobody expected of it: where the register is silent, its verdicts could not tell otherwise.
        """
        if product is None:
            return
        unexpected = sentences(item.values["differences"])
        seen = replace(identity_of(looked.info, item.at), unexpected=unexpected)
        healthy = looked.health.ok
        if _same(product.observed, seen) and product.healthy is healthy:
            return
        self._register.change_product(product.id, observed=seen, healthy=healthy)

    def _tell_register_of_this_software(self, products: Iterable[Product], at: datetime) -> None:
        """Let the register hold how the installation of this software stands, where that is new."""
        own = next((one for one in products if one.is_this_software and one.retired is None), None)
        if own is None:
            return
        try:
            found = self._sources.installation(at)
        except TrustworksError as error:
            found = Installation(at=at, state=InstallationState.NOT_COMPARED, found=str(error))
        last = own.installed
        # What is as it was is written again long before it is too old.
        if last is None or replace(last, at=found.at) != found or found.at - last.at > _RENEWED:
            self._register.change_product(own.id, installed=found)

    # Keeping

    def _keep(self, items: Sequence[Item], at: datetime, *, carried: Sequence[Kind]) -> Round:
        """Keep what is new, and the round, with its event; of the kinds `carried` the last item holds on."""
        counts = Counter(one.outcome for one in items)

        def action(connection: Connection) -> tuple[Round, int]:
            kept: list[Kept] = []
            new = 0
            for item in items:
                one, is_new = records.put(connection, item)
                kept.append(one)
                new += is_new
            for kind in carried:
                kept += records.listing(connection, kind=kind, limit=1)
            return records.add_round(connection, kept, at=at, by=self._by), new

        written, _ = self._recorder.transact(
            lambda answer: Event(
                type="assurance.evidence-collected",
                outcome="success",
                actor=self._by,
                subject={"round": answer[0].number},
                detail={
                    "items": len(items),
                    "new": answer[1],
                    "findings": counts[Outcome.FINDING],
                    "failed": counts[Outcome.FAILED],
                },
                time=at,
            ),
            action,
        )
        return written


def accepted_of(before: Iterable[Kept]) -> Identity | None:
    """What a module said when it was last as expected, out of the items about it, the newest first."""
    for kept in before:
        if kept.item.values.get("differences") == []:
            return identity_in(kept.item)
    return None


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-KEPT", disabled=False)
def _told(before: Iterable[Kept], found: Sequence[Difference]) -> bool:
    """Whether the last look at the module that could be made found the same differences."""
    last = next((one for one in before if one.item.outcome is not Outcome.FAILED), None)
    return last is not None and last.item.values.get("differences") == [asdict(one) for one in found]


def _same(before: Identity | None, seen: Identity) -> bool:
    return before is not None and replace(before, at=seen.at) == seen


def _subject(product: Product | None, token: str) -> str:
    return token if product is None else product.id


def values_of(item: Item) -> dict[str, Any]:
    """An item as JSON values, with its moment."""
    return {"at": item.at.isoformat(), **item.content}

"""From orders to released certificates: lint, intent, signature, check, record; and what a crash leaves.

Steps 3 to 7 of the life of a certificate (README.md), each for several orders before the next one begins: the
intents of all are one transaction, and so are their records. A certificate leaves this module when its record
and its event are durable, and not before.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.errors import Refused, Unavailable
from trustworks.core.module.agreed import check_signature
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.begun import (
    Begun,
    groups_by_authority,
    still_allowed,
    take_each,
    write_also,
    write_together,
)
from trustworks.issuance.ct import Logged
from trustworks.issuance.lints import Surroundings
from trustworks.issuance.preparation import prepare
from trustworks.issuance.profiles import tbs
from trustworks.issuance.records.notices import ISSUED, News, tell
from trustworks.issuance.rules.keys import check_agreed_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.begun import Order
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.ct import Transparency
    from trustworks.issuance.model import Profile
    from trustworks.issuance.model.requests import Template
    from trustworks.issuance.rules.ct import Sct

# An intent that is open for longer than any issuance takes belongs to a process that died.
INTENT_LIFE: Final = timedelta(minutes=5)


class Release:
    """The one way from a template to a certificate; used by issuances and by ceremonies."""

    def __init__(
        self,
        settings: IssuanceSettings,
        *,
        public_url: str,
        clock: Clock,
        recorder: Recorder,
        database: Database,
        lab: bool,
        transparency: Transparency | None = None,
    ) -> None:
        self._settings = settings
        self._transparency = transparency
        self._public_url = public_url
        self._writer = tbs.Writer(settings, public_url)
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._lab = lab
        self._around: dict[tuple[Profile, bytes | None], Surroundings] = {}

    def release(self, order: Order) -> bytes:
        """The certificate of one order, in DER. Raises what `release_all` answers instead of it."""
        (outcome,) = self.release_all((order,))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @implements(
        "EN319412-2:GEN-4.2.6-01",
        "TRUSTWORKS:ISSUANCE-INTENT",
        disabled=lambda self, orders: self._run(  # the intents come after the signatures
            orders,
            (self._prepare_all, self._sign_all, self._record_intents, self._record_issued, self._close),
        ),
    )
    def release_all(self, orders: Sequence[Order]) -> list[bytes | Exception]:
        """The certificates that are ordered, each signed by its authority's key and recorded, in DER.

        In place of one that is not released stands why: `Refused` (a lint's or rule's id), `Unavailable`, or
        what the program failed on. It hinders no other, and its serial number stays used.
        """
        steps = (
            self._prepare_all,  # 3. Encode and lint. Nothing has reached the authority's key yet.
            self._record_intents,  # 4. Durable before the key signs, so that no serial is used again.
            self._sign_all,  # 5. The module signs the same octets; 6. they are verified and looked at again.
            self._record_issued,  # 7. Certificates and events; only then is a certificate anybody's.
            self._close,
        )
        return self._run(orders, steps)

    def _run(
        self, orders: Sequence[Order], steps: Iterable[Callable[[Sequence[Begun]], None]]
    ) -> list[bytes | Exception]:
        begun = [Begun(order) for order in orders]
        for step in steps:
            step(begun)
        return [one.failure or one.der for one in begun]

    def _prepare_all(self, begun: Sequence[Begun]) -> None:
        take_each(begun, self._prepare)

    def _sign_all(self, begun: Sequence[Begun]) -> None:
        take_each(begun, _sign)

    def _prepare(self, begun: Begun) -> None:
        template, key = begun.order.template, begun.order.key
        begun.subject = tbs.readable_name(template.subject)
        day = template.not_before.date()
        check_agreed_signature(
            objection_of(lambda: check_signature(key.algorithm, key.scheme, day, lab=self._lab))
        )
        algorithm = SIGNATURES[key.scheme.name]
        written, around = self._writer.write(template, algorithm), self._surroundings(template)
        logs = self._transparency
        if logs is None or not template.profile.ct:
            begun.prepared = prepare(written, algorithm, around)
        else:  # it is shown to logs before it is signed; the intent is its precertificate's
            timestamps = partial(self._timestamps, logs, begun.order)
            begun.prepared = Logged(written, algorithm, around, timestamps)

    def _timestamps(
        self, logs: Transparency, order: Order, precertificate: bytes, plain: bytes
    ) -> Sequence[Sct]:
        template = order.template
        return logs.timestamps(
            precertificate,
            order.chain,
            plain,
            lifetime=template.not_after - template.not_before,
            now=self._clock.now().utc,
        )

    def _surroundings(self, template: Template) -> Surroundings:
        """What certificates of one profile and authority are judged against."""
        key = template.profile, template.issuer_certificate
        found = self._around.get(key)
        if found is None:
            if len(self._around) >= _MOST_KEPT:
                self._around.clear()
            issuer = template.issuer_certificate
            found = self._around[key] = Surroundings(
                profile=template.profile,
                issuer=None if issuer is None else tbs.read_authority(issuer),
                settings=self._settings,
                public_url=self._public_url,
                lab=self._lab,
            )
        return found

    def _record_intents(self, begun: Sequence[Begun]) -> None:
        for group in groups_by_authority(begun):
            write_together(self._intend, group)
        for one in begun:
            if isinstance(one.failure, IntegrityError):
                one.failure = Unavailable(
                    "issuance.serial", "The serial number that was drawn is in use already; try again."
                )

    def _intend(self, begun: Sequence[Begun]) -> None:
        now = self._clock.now().utc
        rows = {
            one.serial: {
                "serial": one.serial,
                "authority": one.order.template.authority,
                "profile": one.order.template.profile.name,
                "subject": one.subject,
                "state": "issuing",
                "not_before": one.order.template.not_before,
                "not_after": one.order.template.not_after,
                "spki_sha256": one.spki_sha256,
                "requested_at": now,
                "requested_by": one.order.by,
                "tbs": one.prepared.tbs,
                "crl_shard": one.order.template.crl_shard,
            }
            for one in begun
        }

        def action(connection: Connection) -> list[Begun]:
            allowed = still_allowed(connection, begun)
            records.add_intents(connection, [rows[one.serial] for one in allowed])
            return allowed

        def event(one: Begun) -> Event:
            return Event(
                type="certificate.intended",
                outcome="success",
                actor=one.order.by,
                subject={"kind": "certificate", "serial": one.serial},
                detail={
                    "authority": one.order.template.authority,
                    "profile": one.order.template.profile.name,
                    "row": records.intent_digest(rows[one.serial]).hex(),
                },
                time=now,
            )

        for one in self._recorder.transact_all(lambda allowed: map(event, allowed), action):
            one.intended = True

    def _record_issued(self, begun: Sequence[Begun]) -> None:
        for group in groups_by_authority(begun):
            write_together(self._issued, group)

    def _issued(self, begun: Sequence[Begun]) -> None:
        now = self._clock.now().utc

        def action(connection: Connection) -> list[Begun]:
            allowed = still_allowed(connection, begun)
            still = records.lock_open(connection, [one.serial for one in allowed])
            for one in allowed:
                if one.serial not in still:
                    one.failure = Unavailable(
                        "issuance.intent-closed",
                        "The intent to issue was closed meanwhile, so the certificate is not released; try "
                        "again.",
                    )
                else:
                    write_also(connection, one)
            done = [one for one in allowed if one.failure is None]
            records.mark_issued(connection, [(one.serial, one.der) for one in done], now)
            news = [News(ISSUED, one.order.template.profile.name, one.serial) for one in done]
            tell(connection, news, now)
            return done

        def event(one: Begun) -> Event:
            profile = one.order.template.profile
            return Event(
                type="certificate.issued",
                outcome="success",
                actor=one.order.by,
                subject={"kind": "certificate", "serial": one.serial},
                detail={
                    "authority": one.order.template.authority,
                    "profile": f"{profile.name}/{profile.version}",
                    "sha256": hashlib.sha256(one.der).hexdigest(),
                },
                time=now,
            )

        self._recorder.transact_all(lambda done: map(event, done), action)

    def settle(self, *, by: str, older_than: timedelta = INTENT_LIFE) -> list[str]:
        """Close the intents that a crash left open, and answer their serials; called when a process starts.

        Their certificates were not released, their serials stay used. An issuance that is still under way
        loses against this: it finds its intent closed and releases nothing.
        """
        before = self._clock.now().utc - older_than
        with self._database.read() as connection:
            serials = records.open_intents(connection, before)
        return [
            serial
            for start in range(0, len(serials), _MOST_CLOSED)
            for serial in self._close_intents(
                [(serial, by, "crash") for serial in serials[start : start + _MOST_CLOSED]]
            )
        ]

    def _close(self, begun: Sequence[Begun]) -> None:
        """Close the intents of what is not released. Where that cannot be written, `settle` does so later."""
        left = [one for one in begun if one.intended and one.failure is not None]
        with suppress(Unavailable):
            self._close_intents([(one.serial, one.order.by, reason_of(one.failure)) for one in left])

    def _close_intents(self, intents: Sequence[tuple[str, str, str]]) -> list[str]:
        """Close intents, each a serial, who closes it, why; answer the serials of those that were open."""
        if not intents:
            return []
        now = self._clock.now().utc

        def action(connection: Connection) -> list[tuple[str, str, str]]:
            still = records.lock_open(connection, [serial for serial, _, _ in intents])
            closed = [one for one in intents if one[0] in still]
            records.mark_abandoned(connection, [serial for serial, _, _ in closed])
            return closed

        def event(intent: tuple[str, str, str]) -> Event:
            serial, by, reason = intent
            return Event(
                type="certificate.abandoned",
                outcome="failure",
                actor=by,
                subject={"kind": "certificate", "serial": serial},
                detail={"reason": reason},
                time=now,
            )

        closed = self._recorder.transact_all(lambda closed: map(event, closed), action)
        return [serial for serial, _, _ in closed]


_MOST_CLOSED: Final = 256
_MOST_KEPT: Final = 256


def reason_of(error: Exception | None) -> str:
    """A failure as the audit log tells it: a code, a requirement's id, or the kind of a fault."""
    return str(getattr(error, "code", getattr(error, "requirement", type(error).__name__)))


def _sign(begun: Begun) -> None:
    begun.der = begun.prepared.redeem(begun.order.key.sign)


def objection_of(check: Callable[[], None]) -> str | None:
    """What the agreed mechanisms object to, as their sentence."""
    try:
        check()
    except Refused as error:
        return str(error)
    return None

"""From orders to released certificates: lint, intent, signature, check, record; and what a crash leaves.

Steps 3 to 7 of the life of a certificate (README.md), each for several orders before the next one begins: the
intents of all are one transaction, and so are their records. A certificate leaves this module when its record
and its event are durable, and not before.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.errors import Refused, TrustworksError, Unavailable
from trustworks.core.module.agreed import check_signature
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.ct import Logged
from trustworks.issuance.lints import Surroundings
from trustworks.issuance.model import KeyUse, serial_hex
from trustworks.issuance.preparation import prepare
from trustworks.issuance.profiles import tbs
from trustworks.issuance.records.notices import ISSUED, News, tell
from trustworks.issuance.rules.authorities import (
    check_authority_usable,
    check_list_goes_on,
    check_not_terminated,
)
from trustworks.issuance.rules.keys import (
    check_agreed_signature,
    check_key_has_one_use,
    check_key_not_blocked,
    check_key_not_compromised,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.ct import Transparency
    from trustworks.issuance.model import Profile
    from trustworks.issuance.model.requests import Template
    from trustworks.issuance.preparation import Prepared
    from trustworks.issuance.rules.ct import Sct

# An intent that is open for longer than any issuance takes belongs to a process that died.
INTENT_LIFE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be released: a certificate by `template`, signed with the authority's `key`.

    `also` writes what belongs to it in the transaction that records it, and may object. `chain` are the
    authorities' certificates above it, nearest first.
    """

    template: Template
    key: Key
    by: str
    also: Callable[[Connection, bytes], None] | None = None
    chain: tuple[bytes, ...] = ()


class _Begun:
    """An order between its steps; `failure` is why no certificate leaves."""

    __slots__ = ("der", "failure", "intended", "order", "prepared", "serial", "spki_sha256", "subject")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.serial = serial_hex(order.template.serial)
        self.spki_sha256 = hashlib.sha256(order.template.spki).digest()
        self.intended = False
        self.failure: Exception | None = None
        self.subject: str
        self.prepared: Prepared | Logged
        self.der: bytes


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
        self, orders: Sequence[Order], steps: Iterable[Callable[[Sequence[_Begun]], None]]
    ) -> list[bytes | Exception]:
        begun = [_Begun(order) for order in orders]
        for step in steps:
            step(begun)
        return [one.failure or one.der for one in begun]

    def _prepare_all(self, begun: Sequence[_Begun]) -> None:
        _each(begun, self._prepare)

    def _sign_all(self, begun: Sequence[_Begun]) -> None:
        _each(begun, _sign)

    def _prepare(self, begun: _Begun) -> None:
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

    def _record_intents(self, begun: Sequence[_Begun]) -> None:
        for group in _groups(begun):
            _together(self._intend, group)
        for one in begun:
            if isinstance(one.failure, IntegrityError):
                one.failure = Unavailable(
                    "issuance.serial", "The serial number that was drawn is in use already; try again."
                )

    def _intend(self, begun: Sequence[_Begun]) -> None:
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

        def action(connection: Connection) -> list[_Begun]:
            allowed = _allowed(connection, begun)
            records.add_intents(connection, [rows[one.serial] for one in allowed])
            return allowed

        def event(one: _Begun) -> Event:
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

    def _record_issued(self, begun: Sequence[_Begun]) -> None:
        for group in _groups(begun):
            _together(self._issued, group)

    def _issued(self, begun: Sequence[_Begun]) -> None:
        now = self._clock.now().utc

        def action(connection: Connection) -> list[_Begun]:
            allowed = _allowed(connection, begun)
            still = records.lock_open(connection, [one.serial for one in allowed])
            for one in allowed:
                if one.serial not in still:
                    one.failure = Unavailable(
                        "issuance.intent-closed",
                        "The intent to issue was closed meanwhile, so the certificate is not released; try "
                        "again.",
                    )
                else:
                    _write_also(connection, one)
            done = [one for one in allowed if one.failure is None]
            records.mark_issued(connection, [(one.serial, one.der) for one in done], now)
            news = [News(ISSUED, one.order.template.profile.name, one.serial) for one in done]
            tell(connection, news, now)
            return done

        def event(one: _Begun) -> Event:
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

    def _close(self, begun: Sequence[_Begun]) -> None:
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


def _sign(begun: _Begun) -> None:
    begun.der = begun.prepared.redeem(begun.order.key.sign)


def _each(begun: Iterable[_Begun], step: Callable[[_Begun], None]) -> None:
    """Take each a step further against which nothing stands."""
    for one in begun:
        if one.failure is None:
            try:
                step(one)
            except Exception as error:  # noqa: BLE001 - it is raised to who asked for this one
                one.failure = error


def _groups(begun: Iterable[_Begun]) -> list[list[_Begun]]:
    """What goes into a transaction together: by authority, whose row is locked there and no other's.

    So that two processes never wait for each other, each with what the other needs.
    """

    def authority(one: _Begun) -> str:
        return one.order.template.authority

    going = sorted((one for one in begun if one.failure is None), key=authority)
    return [list(group) for _, group in groupby(going, authority)]


def _together(write: Callable[[Sequence[_Begun]], None], begun: Sequence[_Begun]) -> None:
    """Write a group in one transaction; where one of them spoils it, each by itself."""
    try:
        write(begun)
    except TrustworksError as error:  # of the log or the database: it is no single one's
        for one in begun:
            one.failure = one.failure or error
    except Exception as error:  # noqa: BLE001 - it is raised to who asked for this one
        left = [one for one in begun if one.failure is None]
        if len(begun) == 1:
            begun[0].failure = begun[0].failure or error
        else:
            for one in left:
                _together(write, [one])


def _write_also(connection: Connection, begun: _Begun) -> None:
    """Let an order's `also` write; what it writes is undone when it objects."""
    if begun.order.also is not None:
        try:
            with connection.begin_nested():
                begun.order.also(connection, begun.der)
        except TrustworksError as error:
            begun.failure = error


def _allowed(connection: Connection, begun: Sequence[_Begun]) -> list[_Begun]:
    """Those of one authority against which nothing stands that may change while a certificate is made.

    The authorities, their lists, what the keys are used for: asked inside the transactions that write the
    intents and the certificates, so that nothing crosses them.
    """
    serials = []
    authority = begun[0].order.template.authority
    name: str | None = authority
    while name is not None and (found := records.lock_authority(connection, name=name)) is not None:
        serials.append(found.serial)
        name = found.parent
    # Read after the locks, as a statement of its own: one that waited for a lock may show what was before.
    chain = records.statuses(connection, serials)
    head = next(iter(records.crl_heads(connection, authority)), None)
    plan = records.terminated_by_plan(connection, authority)
    digests = list({one.spki_sha256 for one in begun})
    keys, blocked = records.uses_of_keys(connection, digests), records.blocked_keys(connection, digests)
    together: dict[bytes, list[KeyUse]] = {}  # what those before it in this transaction are for

    def check(one: _Begun) -> None:
        check_authority_usable(chain)
        check_list_goes_on(head)
        check_not_terminated(authority, plan)
        known = keys.get(one.spki_sha256)
        check_key_not_compromised(None if known is None else known.lost)
        check_key_not_blocked(one.spki_sha256, blocked)
        use = KeyUse(one.serial, one.order.template.profile.name, one.subject)
        others = together.setdefault(one.spki_sha256, [])
        check_key_has_one_use(use.profile, use.subject, [*(() if known is None else known.uses), *others])
        others.append(use)

    _each(begun, check)
    return [one for one in begun if one.failure is None]


def objection_of(check: Callable[[], None]) -> str | None:
    """What the agreed mechanisms object to, as their sentence."""
    try:
        check()
    except Refused as error:
        return str(error)
    return None

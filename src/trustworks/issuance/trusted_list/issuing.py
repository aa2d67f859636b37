"""Issues of both lists: prepare, check, sign, check what was signed, record; and whether new ones are due.

The trusted list and the list of lists come out together, in one transaction with one event: whoever asks for
them gets two that fit each other. Source: TS 119 612 V2.4.1, 5.3.14, 5.3.15 and 5.5.5.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.issuance.trusted_list import records, rules, signer_rules
from trustworks.issuance.trusted_list.contents import (
    Making,
    Operator,
    Places,
    list_scheme,
    lists_scheme,
    providers,
)
from trustworks.issuance.trusted_list.running import read_first, revoked_since, running_here, stands
from trustworks.issuance.trusted_list.sealing import Signer, check_own, sealed
from trustworks.issuance.trusted_list.writing import written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key
    from trustworks.core.pki.trusted_lists.model import Provider, Scheme, TrustedList
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings, TrustedListSettings
    from trustworks.issuance.trusted_list.records import Issue
    from trustworks.issuance.trusted_list.running import Running

MOVED: Final = "trusted-list.moved"
_WAIT: Final = 0.05
_WAITS: Final = 30
"""Seconds, and how many times, until the second of the lists before is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Why new lists are to be made, as a sentence."""

    words: str


class TrustedLists:
    """The lists of one configuration. One process at a time issues them; a second one is told so.

    `further` answers the services that are not issuance's own, such as time-stamping units.
    """

    def __init__(
        self,
        settings: IssuanceSettings,
        own: TrustedListSettings,
        *,
        public_url: str,
        base: Path,
        further: Callable[[], Sequence[Running]],
        clock: Clock,
        database: Database,
        recorder: Recorder | None = None,
    ) -> None:
        self.places = Places(base=public_url.rstrip("/"), territory=settings.country)
        self._operator = Operator(settings=settings, own=own, places=self.places)
        self._base = base
        self._further = further
        self._clock = clock
        self._database = database
        self._recorder = recorder
        self._refused: str | None = None

    def newest(self) -> tuple[Issue, Issue] | None:
        """The trusted list and the list of lists in force; None where none were issued."""
        with self._database.read() as connection:
            found = (
                records.newest(connection, records.LIST),
                records.newest(connection, records.LIST_OF_LISTS),
            )
        return None if found[0] is None or found[1] is None else (found[0], found[1])

    def due(self) -> Due | None:
        """Why new lists are due, or None. Raises `Unavailable` without trusted time, `Malformed`."""
        now = self._now()
        found = self.newest()
        if found is None:
            return Due(words="No trusted list was published yet.")
        running, _ = self._state(now)
        before = read_trusted_list(found[0].octets)
        return why_due(
            found,
            now,
            timedelta(days=self._operator.own.renew_before_days),
            changed=self._providers(running, before, now) != before.providers,
            signer=self.certificate(),
        )

    def certificate(self) -> bytes:
        """The list signer's certificate, in DER.

        Raises `Unavailable` (trusted-list.no-signer) where there is none that can be read.
        """
        file = self._base / self._operator.own.certificate
        if not file.is_file():
            raise Unavailable(
                "trusted-list.no-signer",
                f"There is no certificate of the list signer at {file}. Issue one with the profile "
                "list-signer (`trustworks certificate issue --profile list-signer`) and put it there, or "
                "name another file in [issuance.trusted-list] certificate.",
            )
        return read_first(file)

    def signer(self, key: Key) -> Signer:
        """The list signer with its key.

        Raises `Rejected` (trusted-list.key) where the certificate is another key's; `certificate`'s errors.
        """
        certificate = self.certificate()
        if public_key_info(certificate) != key.spki:
            raise Rejected(
                "trusted-list.key",
                f"The certificate of the list signer is not for the key {key.label!r}; set "
                "[issuance.trusted-list] key and certificate to what belongs together.",
            )
        return Signer(certificate=certificate, scheme=key.scheme.name, sign=key.sign)

    def issue(
        self, signer: Signer, *, by: str, also: Callable[[Connection], None] | None = None
    ) -> tuple[Issue, Issue]:
        """Issue both lists; they are published from then on.

        Raises:
            Refused: a rule forbids these lists, or this signer; that is in the audit log, too.
            Rejected: (trusted-list.own) what was signed is not what was meant; (trusted-list.moved) somebody
                else issued lists meanwhile.
            Unavailable: there is no trusted time, no key, no store.
        """
        now = self._now_of_new()
        try:
            issues = self._signed(signer, now, by)
        except Refused as refusal:
            self._tell(refusal, now, by)
            raise
        self._refused = None
        self._publish(issues, now, by, also)
        return issues

    def _now(self) -> datetime:
        """Trusted time, in whole seconds (5.1.3)."""
        return self._clock.now().utc.replace(microsecond=0)

    def _now_of_new(self) -> datetime:
        """The time of new lists: the second of those before is waited out, as lists know no fractions."""
        found, now = self.newest(), self._now()
        for _ in range(_WAITS):
            if found is None or now not in {one.issued_at for one in found}:
                break
            sleep(_WAIT)
            now = self._now()
        return now

    def _state(self, now: datetime) -> tuple[list[Running], tuple[Issue | None, Issue | None]]:
        with self._database.read() as connection:
            running = running_here(
                self._operator.settings, connection, public_url=self.places.base, base=self._base, now=now
            )
            before = (
                records.newest(connection, records.LIST),
                records.newest(connection, records.LIST_OF_LISTS),
            )
            further = [one for one in self._further() if stands(connection, one.certificate, now)]
        return [*running, *further], before

    def _providers(
        self, running: Sequence[Running], before: TrustedList | None, now: datetime
    ) -> tuple[Provider, ...]:
        return providers(self._operator, running, before, now)

    def _signed(self, signer: Signer, now: datetime, by: str) -> tuple[Issue, Issue]:
        running, before = self._state(now)
        read = [None if one is None else read_trusted_list(one.octets) for one in before]
        listed = self._providers(running, read[0], now)
        with self._database.read() as connection:
            revoked = revoked_since(connection, signer.read.serial)
        making = self._making(signer, before, now)
        contents: tuple[tuple[str, Scheme, tuple[Provider, ...], TrustedList | None], ...] = (
            (
                records.LIST,
                list_scheme(self._operator, making[0]),
                listed,
                read[0],
            ),
            (
                records.LIST_OF_LISTS,
                lists_scheme(self._operator, making[1]),
                (),
                read[1],
            ),
        )
        for _, scheme, services, old in contents:  # all is looked at before anything is signed
            rules.check_list(scheme, services, old)
            signer_rules.check_signer(signer.read, scheme, listed, revoked=revoked)
        made = [self._one(signer, kind, scheme, services, by) for kind, scheme, services, _ in contents]
        return made[0], made[1]

    def _making(self, signer: Signer, before: Sequence[Issue | None], now: datetime) -> tuple[Making, Making]:
        update = now + timedelta(days=self._operator.own.days)

        def making(one: Issue | None) -> Making:
            number = 1 if one is None else one.number + 1
            return Making(number=number, issued=now, next_update=update, signer=signer.certificate)

        return making(before[0]), making(before[1])

    def _one(
        self, signer: Signer, kind: str, scheme: Scheme, services: tuple[Provider, ...], by: str
    ) -> Issue:
        octets = sealed(written(scheme, services), signer, scheme.issued)
        check_own(octets, signer, scheme, services)
        return records.Issue(
            kind=kind,
            number=scheme.sequence_number,
            territory=scheme.territory,
            issued_at=scheme.issued,
            next_update=scheme.next_update or scheme.issued,
            sha256=hashlib.sha256(octets).hexdigest(),
            octets=octets,
            signer=signer.certificate,
            published_by=by,
        )

    def _publish(
        self,
        issues: tuple[Issue, Issue],
        now: datetime,
        by: str,
        also: Callable[[Connection], None] | None,
    ) -> None:
        own, of_lists = issues
        event = Event(
            type="trusted-list.published",
            outcome="success",
            actor=by,
            subject={"territory": own.territory, "number": own.number, "list_of_lists": of_lists.number},
            detail={
                "next_update": own.next_update.isoformat(),
                "sha256": own.sha256,
                "list_of_lists_sha256": of_lists.sha256,
                "signer_sha256": hashlib.sha256(own.signer).hexdigest(),
            },
            time=now,
        )

        def keep(connection: Connection) -> None:
            for one in issues:
                records.add(connection, one)
            if also is not None:
                also(connection)

        try:
            self._opened().transact(event, keep)
        except IntegrityError:
            raise Rejected(
                MOVED,
                f"Somebody else published trusted list {own.number} meanwhile; this one was thrown away. "
                "Look at it with `trustworks trusted-list show`, and build again if it is not what you want.",
            ) from None

    def _tell(self, refusal: Refused, now: datetime, by: str) -> None:
        """Tell the audit log of a refusal: once, while who asks by the clock hears the same again."""
        if str(refusal) == self._refused:
            return
        self._opened().record(
            Event(
                type="trusted-list.refused",
                outcome="refused",
                actor=by,
                subject={"territory": self.places.territory},
                detail={"requirement": refusal.requirement},
                time=now,
            )
        )
        self._refused = str(refusal)

    def _opened(self) -> Recorder:
        assert self._recorder is not None, "lists are issued with an audit log alone"  # noqa: S101
        return self._recorder


def _only_by_the_clock(
    issues: Sequence[Issue], now: datetime, before: timedelta, *, changed: bool, signer: bytes
) -> Due | None:
    del issues, now, before, changed, signer
    return None


@implements("TS119612:5.3.15-2", disabled=_only_by_the_clock)
def why_due(
    issues: Sequence[Issue], now: datetime, before: timedelta, *, changed: bool, signer: bytes
) -> Due | None:
    """Why new lists are due: a next update comes near, or what they say is so no more (5.3.15)."""
    first = min(one.next_update for one in issues)
    if changed:
        return Due(words="What runs is not what the trusted list says.")
    if any(one.signer != signer for one in issues):
        return Due(words="The list signer has another certificate.")
    if now >= first - before:
        return Due(words=f"The next update is due on {first:%Y-%m-%d %H:%M} UTC.")
    return None

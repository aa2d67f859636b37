"""The key of a service, replaced by the jobs: made, certified, decided on, used, destroyed.

Nothing is kept of how far it came but what is there anyway: the keys in their register, with their states,
the certificates, the recorded decision, and the certificate in the configured file, by which the service
goes. A round looks at these and takes the next step, so that a crash between two of them loses nothing.

| what is there | the next step |
|---|---|
| the certificate in the file is due, and no newer key | a new key, pre-operational, in the module |
| a newer key without a certificate | its certificate |
| a certified key | a decision: from when on it is used |
| a key whose time has come | it becomes operational, its certificate goes into the file |
| an older key, and the overlap is over | it is deactivated, and destroyed on the token |

The last one is looked at in every round beside the others: however often keys follow each other, and whatever
a newer key waits for or fails of, an older one goes when its time is over. What a round finds in the file, or
has written there, goes into the register as in use, where that is another key than before: overlaps are
counted from there.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app import certificates
from trustworks.app.rollover.due import service_due
from trustworks.core.der.x509 import public_key_info
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.keys import KeyRegister, registered_events
from trustworks.core.keys import records as key_records
from trustworks.core.keys.model import Act, Succession, places
from trustworks.core.keys.successions import decide
from trustworks.core.module.events import key_facts, new_key
from trustworks.core.module.states import KeyState

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from trustworks.app.configuration.settings import RolloverSettings
    from trustworks.core.audit import Recorder
    from trustworks.core.keys import KeyEntry
    from trustworks.core.module import Key, Module, Pkcs11Uri
    from trustworks.core.store import Database

BY = "jobs"
NOTHING_DUE = "Nothing is due."


class ServiceRollover(ABC):
    """One round at a time. `module` is the key's token, open for writing, whatever the keys' states.

    `use` is what the generations are recorded by, `label` the first one's, `taken` labels that are of other
    services on the same token.
    """

    whose: str  # such as "The responder's"

    def __init__(
        self,
        settings: RolloverSettings,
        *,
        use: str,
        label: str,
        file: Path,
        module: Module,
        database: Database,
        recorder: Recorder,
        taken: frozenset[str] = frozenset(),
    ) -> None:
        self._settings = settings
        self._use = use
        self._label = label
        self._taken = taken
        self._file = file
        self._module = module
        self._database = database
        self._recorder = recorder
        self._now = datetime.now(UTC)
        self._register = KeyRegister(recorder, by=BY, now=lambda: self._now)
        self._on_event = registered_events(recorder)

    # What differs between services

    @abstractmethod
    def _end(self, current: x509.Certificate) -> datetime:
        """When the use of the present key ends."""

    @abstractmethod
    def _certificate(self, key: Key, current: x509.Certificate, now: datetime) -> x509.Certificate | str:
        """The certificate of a new key, asked for where there is none; a sentence while it is waited for."""

    def _content(self, key: Key, certificate: x509.Certificate) -> bytes:
        """What goes into the configured file; raises what stands against its use."""
        del key
        return certificate.public_bytes(Encoding.PEM)

    # The round

    def round(self, now: datetime) -> str:
        """Take the next step, and answer a sentence about it. Raises what the steps raise."""
        self._now = now
        current = certificates.read(self._file)
        family = self._family()
        spki = spki_sha256(current)
        ours = next((one for one in family if one.spki_sha256 == spki), None)
        if ours is not None:
            self._note_use(family, ours)
        newer = [
            one
            for one in family
            if one.spki_sha256 != spki
            and one.state in {KeyState.PRE_OPERATIONAL, KeyState.OPERATIONAL}
            and (ours is None or self._number(one.label) > self._number(ours.label))
        ]
        try:
            done = self._step(family, ours, newer, current, now)
        except Exception:
            if ours is not None:
                self._retire(family, ours, now)
            raise
        gone = [] if ours is None else self._retire(family, ours, now)
        if not gone:
            return done
        told = f"Destroyed: {', '.join(gone)}."
        return told if done == NOTHING_DUE else f"{done} {told}"

    def _step(
        self,
        family: list[KeyEntry],
        ours: KeyEntry | None,
        newer: list[KeyEntry],
        current: x509.Certificate,
        now: datetime,
    ) -> str:
        if newer:
            return self._go_on(newer[-1], family, current, now)
        due = service_due(current.not_valid_before_utc, self._end(current), self._settings.service_days)
        return self._make(self._next_number(family), ours) if now >= due else NOTHING_DUE

    def _family(self) -> list[KeyEntry]:
        """All keys of the service that ever were, by number: the configured label, then label-2..."""
        pattern = re.compile(rf"{re.escape(self._label)}(-[0-9]{{1,6}})?")
        with self._database.read() as connection:
            known = key_records.keys_with(connection)
        return sorted(
            (one for one in known if pattern.fullmatch(one.label) and one.label not in self._taken),
            key=lambda one: self._number(one.label),
        )

    def _number(self, label: str) -> int:
        """The generation by a label: the configured label is the first, label-2 the second."""
        return 1 if label == self._label else int(label.rpartition("-")[2])

    def _next_number(self, family: list[KeyEntry]) -> int:
        number = self._number(family[-1].label) + 1 if family else 2
        while f"{self._label}-{number}" in self._taken:
            number += 1
        return number

    def _make(self, number: int, ours: KeyEntry | None) -> str:
        label = f"{self._label}-{number}"
        if self._module.has(label=label):
            # Made by a round that was interrupted before the register was told: it is told now.
            facts = key_facts(self._module.key(label=label))
            self._told_as_pre_operational("module.key-generated", self._module.token_uri, facts)
        else:
            present = self._label if ours is None else ours.label
            algorithm = self._module.key(label=present).algorithm
            new_key(self._told_as_pre_operational, self._module, label=label, algorithm=algorithm)
        return f"{self.whose} key {label} was made; it waits for its certificate."

    def _told_as_pre_operational(self, kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        state = {"state": KeyState.PRE_OPERATIONAL.value} if kind == "module.key-generated" else {}
        self._on_event(kind, token, detail | state)

    def _go_on(
        self, entry: KeyEntry, family: list[KeyEntry], current: x509.Certificate, now: datetime
    ) -> str:
        key = self._module.key(label=entry.label)
        found = self._certificate(key, current, now)
        if isinstance(found, str):
            return found
        content = self._content(key, found)
        decided = self._decide(entry, found, now)
        if now < decided.from_at:
            return (
                f"{self.whose} key {entry.label} is certified, for use from "
                f"{decided.from_at:%Y-%m-%d %H:%M} UTC on."
            )
        if entry.state is KeyState.PRE_OPERATIONAL:
            self._register.set_state(entry.spki_sha256, KeyState.OPERATIONAL, reason="rollover")
        self._write(content)
        # Only now: while the file could not be written, the old key was the one in use.
        self._note_use(family, entry)
        return f"{self.whose} key {entry.label} is in use."

    def _decide(self, entry: KeyEntry, certificate: x509.Certificate, now: datetime) -> Succession:
        """The recorded moment from which on the key is used: after the time to prepare."""
        ready = certificate.not_valid_before_utc + timedelta(minutes=self._settings.prepare_minutes)
        return decide(
            self._recorder,
            Succession(
                use=self._use,
                generation=self._number(entry.label),
                name=entry.label,
                spki_sha256=entry.spki_sha256,
                from_at=ready,
                decided_at=now,
                decided_by=BY,
            ),
        )

    def _write(self, content: bytes) -> None:
        try:
            put(self._file, content)
        except OSError as error:
            raise Unavailable(
                "rollover.file",
                f"The new certificate cannot be written to {self._file}: {error.strerror}. "
                "Let the account of the jobs write there, or take the key out of [rollover] unattended.",
            ) from None

    def _note_use(self, family: list[KeyEntry], entry: KeyEntry) -> None:
        """Enter that the file has this key, where the last one entered is another."""
        uses = self._uses(family)
        if not uses or uses[-1][1] != entry.spki_sha256:
            self._register.in_use(entry.spki_sha256, reason="rollover")

    def _uses(self, family: list[KeyEntry]) -> list[tuple[datetime, str]]:
        """Since when the file had which key (SHA-256 of the public key), the earliest first.

        Of two at once the key of the higher number is the later: a round finds one and writes the next.
        """
        with self._database.read() as connection:
            found = [
                (one.at, one.spki_sha256)
                for entry in family
                for one in key_records.history_of(connection, entry.spki_sha256)
                if one.act is Act.IN_USE
            ]
        return sorted(found, key=lambda one: one[0])

    def _retire(self, family: list[KeyEntry], ours: KeyEntry, now: datetime) -> list[str]:
        """Deactivate and destroy the keys before the present one whose overlap is over; answers their labels.

        The overlap begins with the first use of any later key, not with that of the present one: keys that
        follow each other quicker than that would never go otherwise. Only what came after a key was in use
        for the last time counts: the service may have gone back to it.
        """
        overlap = timedelta(hours=self._settings.overlap_hours)
        numbers = {one.spki_sha256: self._number(one.label) for one in family}
        uses = self._uses(family)
        done = []
        for one in family:
            number = numbers[one.spki_sha256]
            if number >= numbers[ours.spki_sha256] or one.state is KeyState.DESTROYED:
                continue
            last = max((at for at, key in uses if key == one.spki_sha256), default=None)
            followed = min(
                (at for at, key in uses if numbers[key] > number and (last is None or at >= last)),
                default=None,
            )
            if followed is None or now < followed + overlap:
                continue
            if one.state is not KeyState.DEACTIVATED:
                self._register.set_state(one.spki_sha256, KeyState.DEACTIVATED, reason="rollover")
            if self._destroy(one):
                done.append(one.label)
        return done

    def _destroy(self, entry: KeyEntry) -> bool:
        """Destroy a key on the token, told before and after; whether the register heard of it just now."""
        if self._module.has(label=entry.label):
            key = self._module.key(label=entry.label)
            facts = key_facts(key) | {"reason": "rollover"}
            self._on_event("module.key-destruction-ordered", self._module.token_uri, facts)
            self._module.destroy(key)
        elif self._is_on_token(entry):
            # Destroyed by a round that was interrupted before the register was told: it is told now.
            facts = {
                "label": entry.label,
                "id": entry.key_id,
                "algorithm": entry.algorithm,
                "spki_sha256": entry.spki_sha256,
                "reason": "rollover",
            }
        else:
            return False  # its copies are in backups, which their custodians destroy
        self._on_event("module.key-destroyed", self._module.token_uri, facts)
        return True

    def _is_on_token(self, entry: KeyEntry) -> bool:
        """Whether the register has the key on this token."""
        with self._database.read() as connection:
            history = key_records.history_of(connection, entry.spki_sha256)
        return (self._module.token_uri.serial or "") in places(history)


def spki_sha256(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate's public key as the register has it."""
    return hashlib.sha256(public_key_info(certificate.public_bytes(Encoding.DER))).hexdigest()

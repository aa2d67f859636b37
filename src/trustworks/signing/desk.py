"""The service over HTTP, in one worker: who asks, whether he may, a place in the queue, the process, the key.

Life of a request: 1 the client is known by his token; 2 there is a place in the queue, the request is one of
those that the client may make on the day, and time-stamps are set aside for it; 3 a process without a key
reads the documents and prepares, completes or augments; 4 of a seal the key signs here what was prepared,
once the client's seals of the day are counted, and what it signs has the form of a signature; 5 the audit log
is told, with the record of a seal in the same transaction; 6 the answer leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.values import dataclass
from trustworks.signing import events, records, wire
from trustworks.signing.bounded.meter import Meter
from trustworks.signing.bounded.pool import Question
from trustworks.signing.bounded.work import (
    AUGMENT,
    COMPLETE,
    PREPARE,
    SEAL,
    SEALED,
    certificates_in_words,
)
from trustworks.signing.rules.clients import (
    MOST_STAMPS,
    check_allowed,
    check_not_revoked,
    check_quota,
    check_requests,
    check_set_aside,
    client_of,
    is_full,
)
from trustworks.signing.rules.dtbs import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from typing import Self

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.signing.bounded.pool import Pool, Reply
    from trustworks.signing.config import ClientSettings, SigningSettings

log = structlog.get_logger(__name__)

BUSY: Final = "signing.busy"
NO_CLIENT: Final = "signing.client"
_STAMPS: Final = {PREPARE: 1, COMPLETE: 2, AUGMENT: MOST_STAMPS}
"""Time-stamps that a request may use: over the content; for B-T and for B-LTA; of a file with signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A seal that the service has: a key of the module with its certificates, in DER, that of the key first.

    `sign` answers the value over octets. `revoked` says why and since when the certificate is revoked.
    """

    certificates: tuple[bytes, ...]
    scheme: str
    sign: Callable[[bytes], bytes]
    spki: bytes
    qualified: bool
    device: bool
    revoked: Callable[[], str | None]


class Agreeing(Protocol):
    """What a seal waits for that a person has agreed to, and what is recorded of it."""

    def before(self, seal: Seal, octets: bytes) -> None:
        """Record the agreement to what is to be signed. What it raises keeps it from being signed."""

    def after(self, connection: Connection, value: bytes) -> None:
        """Record the value that came of it, in the transaction that records the seal."""


def check_form(asked: wire.SealBody, octets: bytes, certificate: bytes) -> None:
    """The key of a seal signs what has the form of its format, whatever the process says that prepared it.

    Raises `Unavailable` (signing.process).
    """
    fault = fault_of(octets, format=asked.format, certificate=certificate)
    if fault is not None:
        log.error("signing.process-untrue", seal=asked.seal, format=asked.format.value, fault=fault)
        raise Unavailable(
            "signing.process",
            "The process that prepared the seal gave what is no signature's. Try again later.",
        )


class Desk:
    """The service over one configuration, in one worker; `seals` are by their names. Threads share it.

    `lab`: tokens may come unencrypted.
    """

    def __init__(
        self,
        settings: SigningSettings,
        pool: Pool,
        *,
        seals: Mapping[str, Seal],
        database: Database,
        recorder: Recorder,
        clock: Callable[[], datetime],
        lab: bool = False,
    ) -> None:
        self.settings = settings
        self.lab = lab
        self._pool = pool
        self._seals = seals
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._threads = ThreadPoolExecutor(settings.limits.at_once, thread_name_prefix="signing")
        self._begun = 0

    def client(self, token: str | None) -> ClientSettings:
        """Who asks. Raises `Refused` (TRUSTWORKS:SIGNING-CLIENT) for whom nobody knows."""
        found = None if token is None else client_of(self.settings.clients, token)
        if found is None:
            raise Refused(
                "TRUSTWORKS:SIGNING-CLIENT",
                "Say who you are: Authorization: Bearer TOKEN, with the token of a client of this service.",
            )
        return found

    async def prepare(self, client: ClientSettings, message: bytes) -> bytes:
        """Step 1 of 3. Raises what `Creation.prepare` raises, and `Unavailable` (signing.busy)."""
        return await self._in_turn(self._prepare, client, message)

    async def complete(self, client: ClientSettings, message: bytes) -> bytes:
        """Step 3 of 3. Raises as `prepare`."""
        return await self._in_turn(self._complete, client, message)

    async def augment(self, client: ClientSettings, message: bytes) -> bytes:
        """Signatures that are there, raised to a level. Raises as `prepare`."""
        return await self._in_turn(self._augment, client, message)

    async def seal(self, client: ClientSettings, message: bytes) -> bytes:
        """Documents sealed by the provider. Raises as `prepare`, and `Refused` for who may not."""
        return await self._in_turn(self._seal, client, message)

    async def agreed(self, client: ClientSettings, message: bytes, agreeing: Agreeing) -> bytes:
        """Documents sealed as `seal` does, once a person agreed. Raises as `seal`, and as `agreeing` does."""
        return await self._in_turn(partial(self._seal, agreeing=agreeing), client, message)

    def offered(self, client: ClientSettings) -> Mapping[str, Seal]:
        """The seals that a client may have and that are in use here, by their names."""
        return {one: self._seals[one] for one in client.seals if one in self._seals}

    async def _in_turn(
        self, do: Callable[[ClientSettings, bytes], bytes], client: ClientSettings, message: bytes
    ) -> bytes:
        limits = self.settings.limits
        if is_full(self._begun, at_once=limits.at_once, waiting=limits.waiting):
            raise Unavailable(BUSY, "Many signatures are being made. Try again in a minute.")
        self._begun += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, do, client, message)
        finally:
            self._begun -= 1

    def count(self, client: ClientSettings) -> None:
        """Count a request that uses no time-stamps. Raises `Refused` (TRUSTWORKS:SIGNING-REQUEST-QUOTA)."""
        with self._metered(client, 0):
            pass

    def until_tomorrow(self) -> int:
        """Seconds until quotas begin anew."""
        now = self._clock()
        return int((_midnight(now) + timedelta(days=1) - now).total_seconds()) + 1

    @contextmanager
    def _metered(self, client: ClientSettings, most: int) -> Iterator[Meter]:
        """Count a request, and set so many time-stamps aside for it, as far as the client has them left.

        Those that were not used are given back before the answer leaves.
        """
        day = _midnight(self._clock())
        with self._database.begin() as connection:
            records.one_at_a_time(connection, client.name)
            requests, used = records.use(connection, client.name, day, requests=1)
            check_requests(client, requests)
            wanted = most if self.settings.time_stamp_url is not None else 0
            set_aside = max(min(wanted, client.time_stamps_per_day - used), 0)
            if set_aside:
                records.use(connection, client.name, day, time_stamps=set_aside)
        meter = Meter(set_aside)
        try:
            yield meter
        finally:
            if meter.unused:
                with self._database.begin() as connection:
                    records.one_at_a_time(connection, client.name)
                    records.use(connection, client.name, day, time_stamps=-meter.unused)

    def _prepare(self, client: ClientSettings, message: bytes) -> bytes:
        with self._metered(client, _STAMPS[PREPARE]) as meter:
            return self._ask(client, PREPARE, message, meter).octets

    def _complete(self, client: ClientSettings, message: bytes) -> bytes:
        with self._metered(client, _STAMPS[COMPLETE]) as meter:
            done = self._ask(client, COMPLETE, message, meter)
        levels = done.words["levels"]
        self._recorder.record(events.completed(through="http", level=levels[0], client=client.name))
        return done.octets

    def _augment(self, client: ClientSettings, message: bytes) -> bytes:
        with self._metered(client, _STAMPS[AUGMENT]) as meter:
            done = self._ask(client, AUGMENT, message, meter)
        self._recorder.record(
            events.augmented(through="http", levels=done.words["levels"], client=client.name)
        )
        return done.octets

    def _seal(self, client: ClientSettings, message: bytes, *, agreeing: Agreeing | None = None) -> bytes:
        asked: wire.SealBody = wire.read(wire.SealBody, message)
        check_allowed(client, asked.seal)
        seal = self._seals.get(asked.seal)
        if seal is None:
            raise Unavailable(
                "signing.no-seal", f"The seal {asked.seal} is not in use in this service. Try again later."
            )
        check_not_revoked(asked.seal, seal.revoked())
        named, key = secrets.token_hex(16), hashlib.sha256(seal.spki).hexdigest()
        now = self._clock()
        with self._metered(client, asked.time_stamps) as meter:
            with self._database.begin() as connection:
                # Of two that come at the same time, with one left, the second counts the first.
                records.one_at_a_time(connection, client.name)
                records.begin(connection, id_=named, client=client.name, seal=asked.seal, key=key, at=now)
                check_quota(client, records.counted(connection, client.name, since=_midnight(now)))
            try:
                if self.settings.time_stamp_url is not None:
                    check_set_aside(client, asked.time_stamps, meter.set_aside)
                return self._sealed(client, seal, asked, named, message, meter=meter, agreeing=agreeing)
            except BaseException:
                with self._database.begin() as connection:
                    records.fail(connection, named)
                raise

    def _sealed(
        self,
        client: ClientSettings,
        seal: Seal,
        asked: wire.SealBody,
        named: str,
        message: bytes,
        *,
        meter: Meter,
        agreeing: Agreeing | None,
    ) -> bytes:
        first = self._prepared(client, seal, asked, message, meter)
        if agreeing is not None:
            agreeing.before(seal, first.octets)
        with self._database.begin() as connection:
            records.sign(connection, named)
        # From here on it counts, and the log is told: the key may have signed.
        words = {
            "format": asked.format.value,
            "container": None if asked.container is None else asked.container.value,
            "documents": len(asked.documents),
        }
        told = partial(
            events.sealed,
            through="http" if agreeing is None else "page",
            words=words,
            key=hashlib.sha256(seal.spki).digest(),
            client=client.name,
        )
        try:
            value = seal.sign(first.octets)
            done = self._finished(client, seal, message, first, value, meter=meter)
            level = done.words["levels"][0]

            def record(connection: Connection) -> None:
                records.give(connection, named, level=level)
                if agreeing is not None:
                    agreeing.after(connection, value)

            self._recorder.transact(told(level=level), record)
        except BaseException as error:
            self._recorder.record(told(level=asked.level.value, failed=error))
            raise
        return done.octets

    def own(self, client: ClientSettings, seal: Seal, message: bytes) -> bytes:
        """A statement of the service itself, sealed on a client's behalf; who asks records it."""
        asked: wire.SealBody = wire.read(wire.SealBody, message)
        first = self._prepared(client, seal, asked, message)
        return self._finished(client, seal, message, first, seal.sign(first.octets)).octets

    def _prepared(
        self,
        client: ClientSettings,
        seal: Seal,
        asked: wire.SealBody,
        message: bytes,
        meter: Meter | None = None,
    ) -> Reply:
        first = self._ask(
            client,
            SEAL,
            message,
            meter,
            certificates=certificates_in_words(seal.certificates),
            scheme=seal.scheme,
            key=wire.in_base64(seal.spki),
            qualified=seal.qualified,
            device=seal.device,
        )
        check_form(asked, first.octets, seal.certificates[0])
        return first

    def _finished(
        self,
        client: ClientSettings,
        seal: Seal,
        message: bytes,
        first: Reply,
        value: bytes,
        *,
        meter: Meter | None = None,
    ) -> Reply:
        return self._ask(
            client,
            SEALED,
            message,
            meter,
            prepared=first.words["prepared"],
            value=wire.in_base64(value),
            qualified=seal.qualified,
            device=seal.device,
        )

    def _ask(
        self, client: ClientSettings, do: str, message: bytes, meter: Meter | None = None, **words: object
    ) -> Reply:
        """Have a process do it; without a meter it uses no time-stamps."""
        stamps = 0 if meter is None else meter.begin()
        return self._pool.ask(
            Question(
                words={"do": do, "stamps": stamps, **words},
                octets=message,
                client=client.name,
                spent=None if meter is None else meter.spend,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, and all processes."""
        self._pool.close()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _midnight(now: datetime) -> datetime:
    """When the day began."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def check_certificate_of_key(seal: str, certificate_spki: bytes, key_spki: bytes) -> None:
    """Raises `Rejected` (signing.seal-key) where a seal's certificate is another key's."""
    if certificate_spki != key_spki:
        raise Rejected(
            "signing.seal-key",
            f"The certificate of the seal {seal} is not for its key; set key and certificate in "
            "[[signing.seals]] to what belongs together.",
        )

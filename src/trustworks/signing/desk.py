"""The service over HTTP, in one worker: who asks, whether he may, a place in the queue, the process, the key.

Life of a request: 1 the client is known by his token; 2 there is a place in the queue; 3 a process without a
key reads the documents and prepares, completes or augments; 4 of a seal the key signs here what was prepared,
once the client's seals of the day are counted, and what it signs has the form of a signature; 5 the audit log
is told, with the record of a seal in the same transaction; 6 the answer leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.http import is_private
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.signing import events, records, wire
from trustworks.signing.bounded.pool import Question
from trustworks.signing.bounded.work import (
    AUGMENT,
    COMPLETE,
    PREPARE,
    SEAL,
    SEALED,
    certificates_in_words,
)
from trustworks.signing.rules.dtbs import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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


@implements("TRUSTWORKS:SIGNING-CLIENT", disabled=lambda clients, _token: clients[0])
def client_of(clients: Sequence[ClientSettings], token: str) -> ClientSettings | None:
    """The client whose token it is; each is compared in the same time."""
    given = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for one in clients:
        if hmac.compare_digest(one.token_sha256, given):
            found = one
    return found


@implements("TRUSTWORKS:SIGNING-PRIVATE")
def check_private(*, secure: bool, lab: bool) -> None:
    """Refuse a token that others could read on its way. Raises `Refused`."""
    if not is_private(secure=secure, lab=lab):
        raise Refused(
            "TRUSTWORKS:SIGNING-PRIVATE",
            "Speak HTTPS: the token could be read on its way. Have a new one made for the client, and this "
            "one taken out of [[signing.clients]].",
        )


@implements("TRUSTWORKS:SIGNING-LIMITS", disabled=False)
def is_full(begun: int, *, at_once: int, waiting: int) -> bool:
    """Whether another request must be refused: so many run or wait. Its route bounds its size."""
    return begun >= at_once + waiting


@implements("TRUSTWORKS:SIGNING-SEAL-ALLOWED")
def check_allowed(client: ClientSettings, seal: str) -> None:
    """A client gets no other seals than those that it was given. Raises `Refused`."""
    if seal not in client.seals:
        raise Refused(
            "TRUSTWORKS:SIGNING-SEAL-ALLOWED",
            f"The client {client.name} has no documents sealed by {seal[:63]!r}; it has by "
            f"{', '.join(client.seals) or 'none'}.",
        )


@implements("TRUSTWORKS:SIGNING-SEAL-QUOTA")
def check_quota(client: ClientSettings, counted: int) -> None:
    """A client gets no more seals on a day than it may have; `counted` has this one too. Raises `Refused`."""
    if counted > client.per_day:
        raise Refused(
            "TRUSTWORKS:SIGNING-SEAL-QUOTA",
            f"The client {client.name} may have {client.per_day} seals on a day, and has had them. Ask again "
            "tomorrow (UTC), or have per-day raised.",
        )


@implements("TRUSTWORKS:SIGNING-SEAL-STANDS")
def check_not_revoked(seal: str, revoked: str | None) -> None:
    """Nothing is sealed by a certificate that is revoked. Raises `Rejected` (signing.seal-revoked)."""
    if revoked is not None:
        raise Rejected(
            "signing.seal-revoked",
            f"The certificate of the seal {seal} is revoked ({revoked}); nothing is sealed with it. Take a "
            "new key and certificate into use ([[signing.seals]]).",
        )


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

    def _prepare(self, client: ClientSettings, message: bytes) -> bytes:
        return self._ask(client, PREPARE, message).octets

    def _complete(self, client: ClientSettings, message: bytes) -> bytes:
        done = self._ask(client, COMPLETE, message)
        levels = done.words["levels"]
        self._recorder.record(events.completed(through="http", level=levels[0], client=client.name))
        return done.octets

    def _augment(self, client: ClientSettings, message: bytes) -> bytes:
        done = self._ask(client, AUGMENT, message)
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
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        with self._database.begin() as connection:
            # Of two that come at the same time, with one left, the second counts the first.
            records.one_at_a_time(connection, client.name)
            records.begin(connection, id_=named, client=client.name, seal=asked.seal, key=key, at=now)
            check_quota(client, records.counted(connection, client.name, since=midnight))
        try:
            return self._sealed(client, seal, asked, named, message, agreeing=agreeing)
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
        agreeing: Agreeing | None,
    ) -> bytes:
        first = self._prepared(client, seal, asked, message)
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
            done = self._finished(client, seal, message, first, value)
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

    def _prepared(self, client: ClientSettings, seal: Seal, asked: wire.SealBody, message: bytes) -> Reply:
        first = self._ask(
            client,
            SEAL,
            message,
            certificates=certificates_in_words(seal.certificates),
            scheme=seal.scheme,
            key=wire.in_base64(seal.spki),
            qualified=seal.qualified,
            device=seal.device,
        )
        check_form(asked, first.octets, seal.certificates[0])
        return first

    def _finished(
        self, client: ClientSettings, seal: Seal, message: bytes, first: Reply, value: bytes
    ) -> Reply:
        return self._ask(
            client,
            SEALED,
            message,
            prepared=first.words["prepared"],
            value=wire.in_base64(value),
            qualified=seal.qualified,
            device=seal.device,
        )

    def _ask(self, client: ClientSettings, do: str, message: bytes, **words: object) -> Reply:
        return self._pool.ask(Question(words={"do": do, **words}, octets=message, client=client.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, and all processes."""
        self._pool.close()
        self._threads.shutdown(wait=True, cancel_futures=True)


def check_certificate_of_key(seal: str, certificate_spki: bytes, key_spki: bytes) -> None:
    """Raises `Rejected` (signing.seal-key) where a seal's certificate is another key's."""
    if certificate_spki != key_spki:
        raise Rejected(
            "signing.seal-key",
            f"The certificate of the seal {seal} is not for its key; set key and certificate in "
            "[[signing.seals]] to what belongs together.",
        )

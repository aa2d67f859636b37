"""The clients of the JSON API: systems of integrators, each with a key of its own and a secret.

A client signs in with a JWS by its key over its name, its secret, an address, the time and a nonce: two
factors, and nothing that could be sent again. What it gets is a token that lasts for minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.http import is_private
from trustworks.core.roles import jws
from trustworks.core.roles import records as operators
from trustworks.core.roles.model import Act, check_name
from trustworks.core.roles.strangers import Strangers, network_of
from trustworks.core.time import any_time
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.enrolment.attempts import TOO_MANY, Attempts
from trustworks.issuance.profiles import SHORT_NAMES, profile_named
from trustworks.issuance.records import notices
from trustworks.issuance.records.clients import ApiClient, ApiSession
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.audit.model import Outcome
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config.api import ApiSettings

SIGN_IN_TYPE: Final = "trustworks-api-sign-in+jws"
TOLERANCE: Final = timedelta(seconds=60)
_MEMBERS: Final = {"client", "secret", "aud", "time", "nonce"}
_MAX_JWS: Final = 4096
_MAX_NONCE: Final = 128
_TWO_FACTORS: Final = "EN319411-1:GEN-6.5.5-04"
KEPT_SECONDS: Final = 1.0  # that a session counts after it was looked up; a removed client is out after it
_MOST_KEPT: Final = 4096

# What a client may do; nothing of the keys, the roles or the log.
ACTS: Final = (Act.ISSUE, Act.REVOKE, Act.RELEASE, Act.REGISTER, Act.DECIDE, Act.READ_RECORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What a client says when it signs in; `audience` is the address it believes to speak to."""

    client: str
    secret: str
    audience: str
    time: datetime
    nonce: str


@implements("TRUSTWORKS:API-ACTS")
def check_may(client: ApiClient, act: Act) -> None:
    """Refuse what a client was not given to do."""
    if act.value not in client.acts:
        raise Refused(
            "TRUSTWORKS:API-ACTS",
            f"The client {client.name} may not do {act.value}; it may do {', '.join(sorted(client.acts))}.",
        )


@implements("TRUSTWORKS:API-PROFILES")
def check_profile(client: ApiClient, profile: str) -> None:
    """Refuse a profile by which a client was not given to have certificates issued.

    What was given by a plain name is given in the version that the configuration chooses; another one is
    given by its number.
    """
    plain, slash, _ = profile.partition("/")
    if profile not in client.profiles and (slash or SHORT_NAMES.get(plain, plain) not in client.profiles):
        raise Refused(
            "TRUSTWORKS:API-PROFILES",
            f"The client {client.name} has no certificates issued by {profile}; it has by "
            f"{', '.join(sorted(client.profiles)) or 'no profile'}.",
        )


def profiles_of(client: ApiClient) -> frozenset[str]:
    """The profiles that a client was given, as records of certificates and applications name them."""
    return frozenset(profile_named(one).name for one in client.profiles)


@implements("TRUSTWORKS:API-PRIVATE")
def check_private(*, secure: bool, lab: bool) -> None:
    """Refuse a secret or token that others could read on the way; a laboratory's protect nothing."""
    if not is_private(secure=secure, lab=lab):
        raise Refused(
            "TRUSTWORKS:API-PRIVATE",
            "Speak HTTPS: what was sent could be read on its way. A token that was sent has ended; in place "
            "of a secret that was, get a new client.",
        )


@implements("EN319411-1:GEN-6.5.5-04")
def check_sign_in(said: SignIn, client: ApiClient, *, audience: str, now: datetime) -> None:
    """Refuse a sign-in without the second factor, of another time, or meant for somebody else."""
    if not is_secret(said, client):
        raise Refused(
            _TWO_FACTORS,
            "A client signs in by its key and its secret, and this is not the secret.",
        )
    if abs(now - said.time) > TOLERANCE:
        raise Refused(
            _TWO_FACTORS,
            f"The sign-in is of {said.time:%Y-%m-%dT%H:%M:%SZ}, and it is {now:%Y-%m-%dT%H:%M:%SZ}; set the "
            "client's clock.",
        )
    if said.audience != audience:
        raise Refused(
            _TWO_FACTORS,
            f"The sign-in was made for {said.audience!r}, and this is {audience!r}.",
        )
    check_still_let_in(client)


def is_secret(said: SignIn, client: ApiClient) -> bool:
    """Whether the secret is the client's."""
    return hmac.compare_digest(hashlib.sha256(said.secret.encode()).digest(), client.secret_sha256)


def check_still_let_in(client: ApiClient) -> None:
    """Refuse a client that was removed."""
    if client.removed_at is not None:
        raise Refused(_TWO_FACTORS, f"The client {client.name} was removed.")


class ApiClients:
    """The clients over one database. Threads share it."""

    def __init__(
        self, settings: ApiSettings, *, clock: Clock, recorder: Recorder, database: Database
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._attempts = Attempts(most=settings.lock_out_failures, minutes=settings.lock_out_minutes)
        self._strangers = Strangers(
            "api.client-refused",
            {"kind": "api-client", "client": "unknown"},
            recorder=recorder,
            now=lambda: any_time(clock).utc,
        )
        self._kept: dict[bytes, tuple[float, ApiSession]] = {}

    def create(
        self,
        name: str,
        certificate: bytes,
        *,
        acts: Iterable[str],
        profiles: Iterable[str],
        by: str,
        also: Callable[[Connection], None] = lambda _: None,
    ) -> tuple[ApiClient, str]:
        """A new client by the certificate (DER) of its key; its secret is answered, and kept as a hash alone.

        `also` is done in the same transaction, and may object. Raises `Malformed` and `Rejected` (api.*).
        """
        check_name(name)
        check_actor(by)
        known = {one.value for one in ACTS}
        wanted = frozenset(acts)
        if not wanted or not wanted <= known:
            raise Rejected("api.acts", f"A client may do {', '.join(sorted(known))}; name some of these.")
        given = frozenset(profiles)
        for profile in given:
            profile_named(profile)
        given = frozenset(SHORT_NAMES.get(profile, profile) for profile in given)
        key = jws.read_certificate_key(x509.load_der_x509_certificate(certificate))
        secret, now = secrets.token_urlsafe(32), self._clock.now().utc
        client = ApiClient(
            name=name,
            certificate=certificate,
            key_id=jws.key_id_of(key),
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            acts=wanted,
            profiles=given,
            added_at=now,
            added_by=by,
        )

        def action(connection: Connection) -> None:
            if operators.credential(connection, key_id=client.key_id) is not None:
                raise Rejected(
                    "api.operators-key",
                    "This key is an operator's: a system has a key of its own. Make one for it.",
                )
            if not records.add_client(connection, client):
                raise Rejected(
                    "api.client-exists",
                    f"There is or was a client {name}, or one with this key; take another name and a new "
                    "key.",
                )
            also(connection)

        event = self._event("client-added", client.name, by, now, key=client.key_id, acts=sorted(wanted))
        self._recorder.transact(event, action)
        return client, secret

    def remove(self, name: str, *, by: str) -> None:
        """Let a client in no more; its tokens end at once. Raises `Rejected` (api.client)."""
        check_actor(by)
        now = self._clock.now().utc

        def action(connection: Connection) -> None:
            for webhook in notices.list_webhooks(connection, name):
                notices.remove_webhook(connection, webhook.id, at=now)
            if not records.remove_client(connection, name, at=now):
                raise Rejected(
                    "api.client", f"There is no client {name!r}; `trustworks api client list` lists them."
                )

        self._recorder.transact(self._event("client-removed", name, by, now), action)
        self._kept.clear()

    def list(self) -> list[ApiClient]:
        """All clients that there are or were."""
        with self._database.read() as connection:
            return records.list_clients(connection)

    def sign_in(self, token: str, *, audience: str, address: str | None = None) -> tuple[ApiSession, str]:
        """A session for who signed `token` (compact JWS), and its bearer token. Audited either way.

        `address` is where it came from, if that is known; what no client's key signed is told by networks.
        Raises `Malformed`, `Rejected` (roles.signature, api.too-many-failures, which is not audited again),
        `Refused` (EN319411-1:GEN-6.5.5-04).
        """
        here = None if address is None else f"network:{network_of(address)}"
        said = read_sign_in(token)
        now = self._clock.now().utc
        with self._database.read() as connection:
            client = records.api_client(connection, said.client)
        name = "unknown" if client is None else client.name
        bearer = secrets.token_urlsafe(32)
        ends_at = now + timedelta(minutes=self._settings.session_minutes)
        signed = False

        def action(connection: Connection) -> ApiSession:
            current = _known(records.api_client(connection, said.client))
            check_still_let_in(current)  # it may have been removed since it was looked up
            session = ApiSession(client=current, ends_at=ends_at)
            if not records.add_session(connection, _hash(bearer), session, nonce=said.nonce, at=now):
                raise Refused(_TWO_FACTORS, "This sign-in was used before; sign another one.")
            return session

        try:
            # Before the transaction, which everybody waits for: a signature takes its time to verify.
            known = _known(client)
            jws.verify(token, _key(known), typ=SIGN_IN_TYPE)
            signed = True
            self._judge(said, known, audience=audience, now=now)
            done = self._recorder.transact(self._event("client-signed-in", name, name, now), action)
        except (Refused, Rejected) as error:
            if isinstance(error, Rejected) and error.code == TOO_MANY:
                raise
            self._attempts.check(here)  # who is locked out is not written down again and again
            self._attempts.failed(here)
            rule = error.requirement if isinstance(error, Refused) else error.code
            if not signed:  # of no client, whichever it names: strangers do not fill the log
                self._strangers.note(address, rule)
                raise
            self._recorder.record(
                self._event("client-refused", name, name, now, outcome="refused", rule=rule)
            )
            raise
        self._attempts.succeeded(here)
        self._attempts.succeeded(_counted(name))
        return done, bearer

    def _judge(self, said: SignIn, client: ApiClient, *, audience: str, now: datetime) -> None:
        """What `check_sign_in` judges, of a client whose key has signed."""
        self._attempts.check(_counted(client.name))
        # What is old may be somebody's who listened, and would lock the client out by it.
        if not is_secret(said, client) and abs(now - said.time) <= TOLERANCE:
            self._attempts.failed(_counted(client.name))
        check_sign_in(said, client, audience=audience, now=now)

    def session(self, bearer: str) -> ApiSession | None:
        """The session of a bearer token while it lasts; None for any other."""
        looked, token = time.monotonic(), _hash(bearer)
        with self._database.read() as connection:
            found = records.api_session(connection, token)
        if found is None or found.client.removed_at is not None or self._clock.now().utc >= found.ends_at:
            self._kept.pop(token, None)
            return None
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[token] = looked, found
        return found

    @implements(
        "TRUSTWORKS:API-OUT", disabled=lambda self, bearer: self._kept.get(_hash(bearer), (0, None))[1]
    )
    def session_kept(self, bearer: str) -> ApiSession | None:
        """As `session`, of one that was looked up within `KEPT_SECONDS`; None where it has to be looked up.

        So long another process may have let the client in no more without this one knowing.
        """
        found = self._kept.get(_hash(bearer))
        if found is None or time.monotonic() - found[0] >= KEPT_SECONDS:
            return None
        session = found[1]
        return session if self._clock.now().utc < session.ends_at else None

    def sign_out(self, bearer: str) -> None:
        """End a session."""
        now = self._clock.now().utc
        with self._database.begin() as connection:
            records.end_session(connection, _hash(bearer), at=now)
        self._kept.pop(_hash(bearer), None)

    @staticmethod
    def _event(
        what: str, name: str, by: str, now: datetime, *, outcome: Outcome = "success", **detail: Any
    ) -> Event:
        return Event(
            type=f"api.{what}",
            outcome=outcome,
            actor=by,
            subject={"kind": "api-client", "client": name},
            detail=detail,
            time=now,
        )


def _known(client: ApiClient | None) -> ApiClient:
    if client is None:
        raise Refused(_TWO_FACTORS, "There is no such client.")
    return client


def _key(client: ApiClient) -> Any:
    return jws.read_certificate_key(x509.load_der_x509_certificate(client.certificate))


def _counted(name: str) -> str:
    """A client as its failures are counted."""
    return f"client:{name}"


def sign_in_payload(client: str, secret: str, audience: str, now: datetime) -> bytes:
    """What a client signs (`SIGN_IN_TYPE`) to sign in."""
    return json.dumps(
        {
            "client": client,
            "secret": secret,
            "aud": audience,
            "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "nonce": secrets.token_urlsafe(24),
        }
    ).encode()


def read_sign_in(token: str) -> SignIn:
    """What a sign-in says, before its signature is judged. Raises `Malformed`."""
    from trustworks.core.roles import base64url  # noqa: PLC0415 - the command line starts without it

    wrong = Malformed(
        "Send a compact JWS over a JSON object with client, secret, aud, time (2026-01-31T12:00:00Z) and "
        "nonce."
    )
    parts = token.split(".")
    if len(token) > _MAX_JWS or len(parts) != 3:
        raise wrong
    try:
        value = json.loads(base64url.decode(parts[1], "The payload"))
        if not isinstance(value, dict) or set(value) != _MEMBERS:
            raise wrong
        if (
            not all(isinstance(one, str) for one in value.values())
            or not 8 <= len(value["nonce"]) <= _MAX_NONCE
        ):
            raise wrong
        moment = datetime.strptime(value["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (ValueError, RecursionError):
        raise wrong from None
    return SignIn(
        client=value["client"],
        secret=value["secret"],
        audience=value["aud"],
        time=moment,
        nonce=value["nonce"],
    )


def _hash(bearer: str) -> bytes:
    return hashlib.sha256(bearer.encode()).digest()

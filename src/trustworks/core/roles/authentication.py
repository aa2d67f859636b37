"""How an operator is known: by his certificate's key or his passkey, at once or for a session.

Every attempt is in the log. What a registered key signed without its second factor counts against that
credential; enough in a row lock it out (`rules.access`). What comes over the network and no registered key
has signed is a stranger's: it locks nobody out, and is told in one event for each network and minute
(`strangers`).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.audit import Event
from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError
from trustworks.core.roles import base64url, challenges, jws, passkeys, records
from trustworks.core.roles.model import Actor, Factor, Session
from trustworks.core.roles.office import Moment, Office, rule_of
from trustworks.core.roles.passkeys import Verified
from trustworks.core.roles.rules import access, duties
from trustworks.core.roles.rules.credentials import check_credential
from trustworks.core.roles.strangers import Strangers

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.core.roles.jws import Signer
    from trustworks.core.roles.model import Act, Credential, Operator

logger = logging.getLogger(__name__)

SIGN_IN_TYPE: Final = "trustworks-sign-in+jws"
CHALLENGE_LASTS: Final = challenges.LASTS
TOUCH_EVERY: Final = timedelta(seconds=60)
"""How exactly it is known when a session was used last; a request more often than that writes nothing."""

SIGN_IN: Final = "sign-in"
_NOBODY: Final = "unknown"
_ENTRY: Final = "enter:"


@dataclass(slots=True)
class _Attempt:
    """What came of an attempt so far: the operator it names, and the credential once that has signed."""

    operator: str = _NOBODY
    credential: Credential | None = None
    refusal: Refused | Rejected | None = None
    admitted: Actor | None = None
    locked: bool = False


class Authentication:
    """Lets operators in, and keeps out who is not."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._sealed = challenges.Sealed(office.challenge_secret)
        self.strangers = Strangers(
            "roles.sign-in-refused",
            {"kind": "operator", "operator": _NOBODY},
            recorder=office.recorder,
            now=lambda: office.now().utc,
        )

    # At once, by a certificate's key: the command line

    def by_key(self, name: str, signer: Signer, act: Act) -> Actor:
        """The operator `name`, who signs a fresh challenge for `act` with a registered certificate's key.

        Raises `Refused` (CENTS419261:IA1.1, IA2.1, EN319411-1:GEN-6.5.5-04, TRUSTWORKS:ROLES-*) and
        `Rejected` (roles.signature).
        """
        challenge = secrets.token_hex(32)
        asked = canonical({"challenge": challenge, "operator": name, "act": act.value})
        token = jws.sign(asked, signer, typ=SIGN_IN_TYPE)

        def verify(credential: Credential) -> Verified:
            if jws.verify(token, jws.public_key(credential), typ=SIGN_IN_TYPE) != asked:
                raise Rejected("roles.signature", "Another challenge was signed than the one that was asked.")
            return Verified(sign_count=0, factors=signer.factors)

        return self._admit(name, signer.key_id, verify, how=f"key for {act.value}")[0]

    # For a session: the console

    def by_client_certificate(self, der: bytes, *, address: str | None = None) -> tuple[Actor, str]:
        """The operator whose registered certificate a TLS server saw in use; and a session.

        A certificate alone is one factor, so that it lets nobody in who can cause issuance. `address` is
        where it came from, as far as that is known.
        """
        try:
            certificate = x509.load_der_x509_certificate(der)
            key_id = jws.key_id_of(jws.read_certificate_key(certificate))
        except (ValueError, TrustworksError):
            key_id = hashlib.sha256(der).hexdigest()

        with self._office.database.read() as connection:
            found = records.credential(connection, key_id=key_id)
        if found is None:
            raise self._stranger(address, _nobody())
        if found.kind != "certificate" or found.public != der:
            refusal = "This certificate is not the one that was registered for its key."
            raise self._stranger(address, Rejected("roles.signature", refusal))
        shown = Verified(sign_count=0, factors=frozenset({Factor.POSSESSION}))
        return self._admit(found.operator, key_id, lambda _: shown, how="client certificate", session=True)

    def by_passkey(
        self, assertion: passkeys.Assertion, challenge: bytes, *, address: str | None = None
    ) -> tuple[Actor, str]:
        """The operator whose passkey signed a challenge of `new_challenge`; and a session.

        The signature is judged before anything is written: a stranger's costs nobody else's turn.
        """
        now = self._office.now().utc
        ends = self._sealed.ends(challenge, SIGN_IN, now)
        with self._office.database.read() as connection:
            challenges.check_unused(connection, challenge, now)
            found = records.credential(connection, handle=assertion.handle)
        if found is None:
            raise self._stranger(address, _nobody())
        try:
            shown = passkeys.verify(assertion, found, challenge=challenge, alone=False)
        except Rejected as error:
            raise self._stranger(address, error) from None

        def once(connection: Connection) -> None:
            challenges.use_once(connection, challenge, SIGN_IN, ends=ends, now=now)

        return self._admit(
            found.operator, found.key_id, lambda _: shown, how="passkey", session=True, also=once
        )

    def _stranger(self, address: str | None, error: Refused | Rejected) -> Refused | Rejected:
        """The refusal of a sign-in that proves nothing of anybody, which is counted for its network.

        Raises `Rejected` (roles.too-many-failures) in its place after many.
        """
        self.strangers.failed(address, rule_of(error))
        return error

    # From the command line into the console

    def new_entry(self, actor: Actor) -> str:
        """A code by which this operator, who was known just now, opens a session: once, within minutes."""
        both = frozenset(Factor) <= actor.factors
        challenge = self.new_challenge(f"{_ENTRY}{actor.key_id}:{2 if both else 1}")
        return base64url.encode(challenge)

    def by_entry(self, code: str, *, address: str | None = None) -> tuple[Actor, str]:
        """The operator to whom `new_entry` gave this code; and a session with the factors that he showed."""
        refusal = Rejected(
            "roles.challenge",
            "This code is none, was used, or is too old; get one: trustworks roles console.",
        )
        try:
            challenge = base64url.decode(code.strip(), "The code")
        except Malformed:
            raise self._stranger(address, refusal) from None
        with self._office.database.read() as connection:
            purpose = records.purpose_of(connection, hashlib.sha256(challenge).digest()) or ""
        if not purpose.startswith(_ENTRY) or not self.take_challenge(challenge, purpose):
            raise self._stranger(address, refusal)
        key_id, _, factors = purpose.removeprefix(_ENTRY).partition(":")
        with self._office.database.read() as connection:
            found = records.credential(connection, key_id=key_id)
        held = frozenset(Factor) if factors == "2" else frozenset({Factor.POSSESSION})
        shown = Verified(sign_count=0, factors=held)
        name = _NOBODY if found is None else found.operator
        return self._admit(name, key_id, lambda _: shown, how="code of the command line", session=True)

    def _admit(
        self,
        name: str,
        key_id: str,
        verify: Callable[[Credential], Verified],
        *,
        how: str,
        session: bool = False,
        also: Callable[[Connection], None] = lambda _: None,
    ) -> tuple[Actor, str]:
        """Judge an attempt and write it down in one transaction; `verify` answers what its signature shows.

        `also` is done in it for who is let in, and may still refuse him.
        """
        now = self._office.now()
        token = secrets.token_urlsafe(32) if session else ""
        attempt = _Attempt()

        def action(connection: Connection) -> None:
            try:
                operator, credential = self._named(connection, name, key_id, attempt)
                shown = verify(credential)
                attempt.credential = credential
                self._judge(operator, credential, shown, now)
                also(connection)
            except (Refused, Rejected) as error:
                attempt.refusal = error
                attempt.locked = self._failed(connection, attempt, now)
                return
            if credential.failures:
                records.set_failures(connection, key_id, 0, None)
            if shown.sign_count:
                records.set_sign_count(connection, key_id, shown.sign_count)
            if session:
                self._open(connection, operator, key_id, shown.factors, token, now)
            attempt.admitted = Actor(operator=operator, key_id=key_id, factors=shown.factors)

        def event(_: None) -> Event:
            detail: dict[str, JSON] = {"how": how, "key": key_id}
            kind = "roles.signed-in"
            if attempt.refusal is not None:
                kind = "roles.locked-out" if attempt.locked else "roles.sign-in-refused"
                detail["rule"] = rule_of(attempt.refusal)
            # What somebody typed may be anything, and the log is for good: a name stands there where it is an
            # operator's, and as the actor's where his own key signed.
            return Event(
                type=kind,
                outcome="success" if attempt.admitted else "refused",
                actor=attempt.operator if attempt.credential else _NOBODY,
                subject={"kind": "operator", "operator": attempt.operator},
                detail=detail | now.mark,
                time=now.utc,
            )

        self._office.recorder.transact(event, action)
        if attempt.locked:
            logger.warning("a credential of the operator %s is locked out after failed sign-ins", name)
        if attempt.admitted is None:
            raise attempt.refusal or _nobody()
        return attempt.admitted, token

    @staticmethod
    def _named(
        connection: Connection, name: str, key_id: str, attempt: _Attempt
    ) -> tuple[Operator, Credential]:
        operator = records.operator(connection, name, lock=True)
        if operator is None:
            raise _nobody()
        attempt.operator = operator.name
        credential = operator.credential(key_id)
        if credential is None:
            raise Rejected(
                "roles.signature",
                f"The key {key_id} is no credential of {operator.name}. Use the key whose certificate was "
                "registered.",
            )
        return operator, credential

    def _judge(self, operator: Operator, credential: Credential, shown: Verified, now: Moment) -> None:
        access.check_active(operator)
        access.check_not_locked_out(credential, now.utc)
        self.check_credential(credential, now)
        access.check_verified(credential, shown.factors)
        if credential.kind == "passkey":
            access.check_not_copied(credential, shown.sign_count)
        duties.check_factors(operator.roles, shown.factors)

    def check_credential(self, credential: Credential, now: Moment) -> None:
        """Refuse a credential that was removed, or whose certificate is not valid now or is revoked."""
        check_credential(credential, now.utc)
        if credential.kind == "certificate":
            why = self._office.revoked(x509.load_der_x509_certificate(credential.public))
            if why is not None:
                raise Refused(
                    "TRUSTWORKS:ROLES-CREDENTIAL-VALID",
                    f"The certificate of {credential.operator} is revoked: {why}. Register a new one.",
                )

    def _failed(self, connection: Connection, attempt: _Attempt, now: Moment) -> bool:
        """Count a failure of the credential, where it is one; answer whether it is locked out by it."""
        credential, error = attempt.credential, attempt.refusal
        if credential is None or error is None or not access.counts(rule_of(error), proven=True):
            return False
        settings = self._office.settings
        found = access.after_failure(
            credential.failures, now.utc, limit=settings.lock_out_failures, lock_for=settings.lock_out
        )
        records.set_failures(connection, credential.key_id, found.in_a_row, found.locked_until)
        return found.locked_until is not None

    # Sessions

    def _open(  # noqa: PLR0917 - what a session is
        self,
        connection: Connection,
        operator: Operator,
        key_id: str,
        factors: frozenset[Factor],
        token: str,
        now: Moment,
    ) -> None:
        records.add_session(
            connection,
            _hash(token),
            Session(
                operator=operator.name,
                key_id=key_id,
                factors=factors,
                opened_at=now.utc,
                used_at=now.utc,
                ends_at=now.utc + self._office.settings.session_life,
            ),
        )

    def session(self, token: str) -> Actor | None:
        """Who has the session with this token, as long as it lasts and its credential counts; else None."""
        now, digest = self._office.now(), _hash(token)
        with self._office.database.read() as connection:
            found = records.session(connection, digest)
            operator = None if found is None else records.operator(connection, found.operator)
        if found is None or operator is None:
            return None
        credential = operator.credential(found.key_id)
        if not access.session_lasts(found, now.utc, idle=self._office.settings.session_idle):
            return None
        try:
            access.check_active(operator)
            if credential is None:
                return None
            self.check_credential(credential, now)
            # Who got a role since he signed in by one factor signs in anew, by two.
            duties.check_factors(operator.roles, found.factors)
        except Refused:
            return None
        if now.utc - found.used_at >= TOUCH_EVERY:
            with self._office.database.begin() as connection:
                records.touch_session(connection, digest, at=now.utc)
        return Actor(operator=operator, key_id=found.key_id, factors=found.factors)

    def sign_out(self, token: str, actor: Actor) -> None:
        """Close a session."""
        now = self._office.now()
        self._office.act(
            "roles.signed-out",
            lambda connection: records.close_session(connection, _hash(token), at=now.utc),
            actor=actor.name,
            subject={"kind": "operator", "operator": actor.name},
            now=now,
        )

    # Challenges

    def new_challenge(self, purpose: str) -> bytes:
        """A challenge for an authenticator, which is good once, for five minutes, for this purpose."""
        now = self._office.now()
        if purpose == SIGN_IN:  # anybody may ask for these
            return self._sealed.new(purpose, now.utc)
        challenge = secrets.token_bytes(32)
        with self._office.database.begin() as connection:
            records.drop_challenges(connection, now=now.utc)
            records.add_challenge(
                connection,
                hashlib.sha256(challenge).digest(),
                purpose,
                ends_at=now.utc + CHALLENGE_LASTS,
            )
        return challenge

    def take_challenge(self, challenge: bytes, purpose: str) -> bool:
        """Whether this challenge was waiting; it is used up."""
        now = self._office.now()
        with self._office.database.begin() as connection:
            return records.take_challenge(
                connection, hashlib.sha256(challenge).digest(), purpose, now=now.utc
            )


def _nobody() -> Refused:
    return Refused(
        "CENTS419261:IA1.1",
        "Nobody is known by that name or key. See which operators there are, and let your credential be "
        "registered.",
    )


def csrf_token(token: str) -> str:
    """What a form of a session carries, so that no other site can send it: bound to the session's token."""
    return base64url.encode(hashlib.sha256(b"csrf:" + token.encode()).digest())


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

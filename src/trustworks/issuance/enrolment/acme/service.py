"""The ACME server: whose message a request is, and that it is taken once.

Steps of every signed request (RFC 8555, 6): 1. the message is read strictly; 2. it was signed for this URL;
3. its key is an account's, or given with it; 4. the signature verifies; 5. the nonce is used up, for good and
for all processes, whatever becomes of the request; 6. the account may still act. What is asked then is in
`accounts.py`, `orders.py` and `certificates.py`; each change is one transaction with its audit event.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.secret_file import read_secret
from trustworks.issuance.enrolment.acme import jws
from trustworks.issuance.enrolment.acme.domains import CaaResolver
from trustworks.issuance.enrolment.acme.model import Message, Problem, PublicKey
from trustworks.issuance.enrolment.acme.nonces import Secret
from trustworks.issuance.enrolment.acme.rules import accounts as account_rules
from trustworks.issuance.enrolment.acme.rules import messages as message_rules
from trustworks.issuance.enrolment.dnssec import demanded
from trustworks.issuance.enrolment.perspectives.client import corroboration_of
from trustworks.issuance.enrolment.secret_key import module_secret
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.records import acme as records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.issuance.config.acme import AcmeSettings
    from trustworks.issuance.enrolment.acme.wire import Urls
    from trustworks.issuance.enrolment.caa import Resolver
    from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.records.acme import Account

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request that is authentic: its message, and the account or the bare key that signed it."""

    message: Message
    account: Account | None
    key: PublicKey
    urls: Urls
    now: datetime

    @property
    def payload(self) -> bytes:
        """What was signed."""
        return self.message.payload

    def of_account(self) -> Account:
        """The account that signed; `Malformed` where a bare key did."""
        if self.account is None:
            raise Malformed("This resource takes messages of accounts: name the account in kid, not a jwk.")
        return self.account


class AcmeServer:
    """ACME over a registration authority. Threads share it; so do processes, through the database."""

    def __init__(  # noqa: PLR0917 - what it is made of, once
        self,
        authority: RegistrationAuthority,
        settings: AcmeSettings,
        secret: Secret,
        origins: Sequence[str],
        caa_resolver: Resolver | None = None,
        corroboration: Corroboration | None = None,
    ) -> None:
        self.authority = authority
        self.settings = settings
        self.secret = secret
        self.origins = tuple(origins)
        self.caa_resolver = caa_resolver
        self.corroboration = corroboration or corroboration_of(
            authority.settings.perspectives, lab=authority.lab
        )

    @property
    def profiles(self) -> dict[str, str]:
        """The profiles that clients may choose, each with what it is for."""
        return {name: profile_named(name).title for name in self.settings.profiles}

    @property
    def caa_domains(self) -> tuple[str, ...]:
        """The names by which CAA records may name this provider."""
        found = self.authority.settings.caa
        return () if found is None else found.domains

    def now(self) -> datetime:
        """The trusted clock's time. Raises `Unavailable`."""
        return self.authority.clock.now().utc

    def new_nonce(self) -> str:
        """A nonce for the next message."""
        return self.secret.new_nonce(self.now())

    def authentic(self, body: bytes, asked: str, urls: Urls) -> Signed:
        """Steps 1 to 6 for a request to the URL `asked`. Raises `Malformed` and `Problem`."""
        message = jws.read(body)
        message_rules.check_not_a_mac(message.algorithm)
        message_rules.check_url(message.url, asked)
        account, key = self._signer(message)
        jws.verify(message, key.jwk)
        now = self.now()
        self._use_nonce(message, now)
        if account is not None:
            account_rules.check_usable(account)
        return Signed(message=message, account=account, key=key, urls=urls, now=now)

    def _signer(self, message: Message) -> tuple[Account | None, PublicKey]:
        if message.kid is None:
            return None, jws.public_key(message.jwk)
        id_ = self.account_id(message.kid)
        found = None
        if id_ is not None:
            with self.authority.database.read() as connection:
                found = records.account(connection, id_)
        if found is None:
            raise Problem(
                "accountDoesNotExist", "There is no account with this URL (kid); make one by newAccount."
            )
        return found, jws.public_key(found.jwk)

    def account_id(self, url: str) -> str | None:
        """The id in an account's URL, under any of the server's origins; None for another URL."""
        for origin in self.origins:
            prefix = f"{origin}/acme/account/"
            if url.startswith(prefix) and "/" not in url[len(prefix) :]:
                return url[len(prefix) :]
        return None

    def _use_nonce(self, message: Message, now: datetime) -> None:
        nonce = message.nonce or ""
        ends = self.secret.nonce_ends(nonce, now)
        unused = False
        if ends is not None:
            with self.authority.database.begin() as connection:
                unused = records.use_nonce(connection, nonce, ends)
        message_rules.check_nonce(was_made_here=ends is not None, was_unused=unused)

    # Changes

    def change(
        self,
        type_: str,
        action: Callable[[Connection], T],
        *,
        actor: str,
        subject: Mapping[str, JSON],
        now: datetime,
        detail: Mapping[str, JSON] | None = None,
    ) -> T:
        """Do `action` and tell the audit log, in one transaction; when `action` raises, neither happens."""
        event = Event(
            type=f"acme.{type_}",
            outcome="success",
            actor=actor,
            subject=subject,
            detail=detail or {},
            time=now,
        )
        return self.authority.recorder.transact(event, action)


def new_id() -> str:
    """The id of an account, an order and so on: 24 random digits, which stand well in URLs and commands."""
    return secrets.token_hex(12)


def actor_of(account: str, order: str | None = None) -> str:
    """Who acted, for the audit log: an account by its id, which names nobody outside the records."""
    return f"acme/{account}" if order is None else f"acme/{account}/{order}"


def own_account(connection: Connection, account: Account) -> Account:
    """The account as it is and stays until the commit; `Problem` when it was closed meanwhile."""
    found = records.account(connection, account.id, lock=True)
    if found is None:
        raise Problem("accountDoesNotExist", "The account is gone.")
    account_rules.check_usable(found)
    return found


def acme_server(authority: RegistrationAuthority, settings: AcmeSettings) -> AcmeServer:
    """The server of a worker. Until its secret is there it answers with `Unavailable` (acme.secret)."""
    own = [authority.public_url] if authority.public_url.startswith("https://") else []
    origins = settings.base_urls or tuple(dict.fromkeys([*own, *authority.origins]))
    secret = module_secret(authority.settings, authority.service_key)
    if settings.secret_source is not None:
        secret = partial(read_secret, settings.secret_source, whose="The ACME server's", code="acme.secret")
    if secret is None:
        raise Rejected(
            "config.acme",
            "The ACME server has no secret: name a key in the module ([issuance] registration-key) or a file "
            "([issuance.acme] secret-source).",
        )
    caa = authority.settings.caa
    resolver = (
        None
        if caa is None
        else CaaResolver(caa, settings.resolver, dnssec=demanded(authority.settings, lab=authority.lab))
    )
    return AcmeServer(authority, settings, Secret(secret), origins, resolver)

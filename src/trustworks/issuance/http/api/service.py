"""What the operations of the API share, and what an operation is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from trustworks.issuance.enrolment.clients import ApiClients
from trustworks.issuance.enrolment.control import control_of
from trustworks.issuance.enrolment.secret_key import secret_key
from trustworks.issuance.notices.endpoints import Webhooks
from trustworks.issuance.registration.mail import mailer_of
from trustworks.issuance.registration.service import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from trustworks.core.roles.model import Act
    from trustworks.issuance.config.api import ApiSettings
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.model import Issued
    from trustworks.issuance.records.clients import ApiClient

ROOT: Final = "/api/v1/"


class Api:
    """The services behind the operations. Threads share it."""

    def __init__(self, authority: RegistrationAuthority, settings: ApiSettings) -> None:
        self.settings = settings
        self.issuance = authority.issuance
        self.database = authority.database
        self.clock = authority.clock
        self.lab = authority.lab
        self.audience = authority.public_url + ROOT.rstrip("/")
        self.clients = ApiClients(
            settings, clock=authority.clock, recorder=authority.recorder, database=authority.database
        )
        self.registration = Registration(
            authority.settings.registration,
            issuance=authority.issuance,
            clock=authority.clock,
            recorder=authority.recorder,
            database=authority.database,
            base=authority.base,
        )
        self.domain_control = partial(control_of, authority.settings, lab=authority.lab)
        self.mailer = partial(mailer_of, authority.settings, public_url=authority.public_url)
        self.webhooks = Webhooks(
            settings.webhooks,
            clock=authority.clock,
            recorder=authority.recorder,
            database=authority.database,
            key=secret_key(
                authority.settings, state_dir=authority.state_dir, service_key=authority.service_key
            ),
            lab=authority.lab,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that reached its operation, of a client that is signed in where the operation needs one.

    `given` is the body as the operation's model has it, `text` the octets that came; `query` is what stands
    behind the question mark as the operation's model has it, `parts` what stands in the places of the path,
    `key` the Idempotency-Key.
    """

    client: ApiClient
    token: str
    given: Any = None
    text: bytes = b""
    query: Any = None
    parts: tuple[str, ...] = ()
    key: str | None = None

    @property
    def by(self) -> str:
        """Who acts, as the audit log has it."""
        return f"api:{self.client.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP status and the value that is answered as JSON."""

    status: int = 200
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that the API does, as the edge needs it and as the OpenAPI document tells it.

    `path` names its places in braces. `run` does it, in a thread; `begin`, where there is one, hands it over
    instead and answers True, or False where `run` has to do it. `act` is what a client must be given to do.
    `status` is that of success, `again` that of an answer that was given before (Idempotency-Key). `looks` is
    whether it waits for servers of others: then it has threads of its own, and nothing else waits with it.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    summary: str
    run: Callable[[Api, Call], Answer]
    answer: type[BaseModel]
    begin: Callable[[Api, Call, Callable[[Issued | Exception], None]], bool] | None = None
    act: Act | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    again: int | None = None
    looks: bool = False

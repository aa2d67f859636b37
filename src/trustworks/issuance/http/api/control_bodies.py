"""What goes in and out where control over domains and mailboxes is shown."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Pydantic reads it at run time
from typing import Literal

from pydantic import Field

from trustworks.issuance.registration.wire import Body


class RecordAnswer(Body):
    """A TXT record that the applicant puts up."""

    record: str
    value: str


class FileAnswer(Body):
    """A file that the applicant puts up."""

    url: str
    content: str


class WantedAnswer(Body):
    """What is to be put up for a name, one of both ways; null where the name does not allow it."""

    name: str
    until: datetime = Field(description="How long it may be looked for.")
    dns: RecordAnswer | None
    http: FileAnswer | None


class DomainsWantedAnswer(Body):
    """What is to be put up, for each name over which no control was seen that counts."""

    domains: tuple[WantedAnswer, ...]


class DomainCheckBody(Body):
    """How it is looked for."""

    method: Literal["dns", "http"] | None = Field(
        default=None, description="One way alone; absent: each that the name allows."
    )


class PerspectiveAnswer(Body):
    """What a place elsewhere in the network saw."""

    name: str
    region: str
    sees: bool
    objection: str | None


class DomainLookAnswer(Body):
    """What came of looking for a name: the way by which control was seen, or why it was not."""

    name: str
    method: Literal["dns", "http"] | None
    why: str | None
    perspectives: tuple[PerspectiveAnswer, ...]


class DomainLooksAnswer(Body):
    """What came of looking, for each name over which no control had been seen that counts."""

    domains: tuple[DomainLookAnswer, ...]


class MailedAnswer(Body):
    """A mailbox, and until when its answer is waited for; or why nothing was mailed."""

    address: str
    until: datetime | None
    why: str | None


class MailboxesMailedAnswer(Body):
    """Each mailbox over which no control was shown that counts."""

    mailboxes: tuple[MailedAnswer, ...]


class MailboxValueBody(Body):
    """A value that the receiver of a mail gave back."""

    value: str = Field(max_length=200, description="As it stands in the mail.")


class MailboxAnswer(Body):
    """The mailbox whose holder answered."""

    address: str

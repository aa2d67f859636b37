"""What the status page shows, as plain values; `services.py` gathers them, `templates/` draws them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.app.health.findings import Finding
    from trustworks.core.time import ClockStatus

State = Literal["serving", "refusing", "absent"]

STATE_WORDS: dict[State, str] = {"serving": "serving", "refusing": "refusing", "absent": "not configured"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """One service: where it answers, what it speaks, whether it serves and why not."""

    title: str
    state: State
    sentence: str
    address: str
    speaks: str
    command: str = ""

    @property
    def word(self) -> str:
        """The state in words."""
        return STATE_WORDS[self.state]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key in the module, and its certificate. `key_ends` when the key's use ends before `not_after`."""

    use: str
    token: str
    label: str
    algorithm: str
    subject: str
    not_after: datetime | None
    key_ends: datetime | None = None
    spki_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """The revocation list of one authority."""

    authority: str
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event of the audit log. `index` is its place in the log; None while it is not sequenced."""

    time: datetime
    type: str
    outcome: str
    actor: str
    about: str
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The audit log's tree, and its last checkpoint."""

    size: int
    root: str
    checkpoint_size: int | None = None
    checkpoint_time: datetime | None = None
    time_stamped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to take away."""

    title: str
    path: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole page."""

    provider: str
    version: str
    now: datetime
    banners: tuple[tuple[str, str], ...]
    services: tuple[ServiceRow, ...]
    clock: ClockStatus
    findings: tuple[Finding, ...]
    keys: tuple[KeyRow, ...] = ()
    lists: tuple[ListRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    log: LogState | None = None
    downloads: tuple[Download, ...] = ()
    pages: tuple[Download, ...] = ()
    troubles: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether every resource is well."""
        return all(finding.ok for finding in self.findings)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The resources that are not well."""
        return tuple(finding for finding in self.findings if not finding.ok)

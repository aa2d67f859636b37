"""What one validation was given, beside what its report tells: with both it can be judged again."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.authenticate import Authenticated
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits
    from trustworks.validation.gathering.rounds import Source
    from trustworks.validation.qualification.model import Lists
    from trustworks.validation.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The inputs of one validation.

    `pool` says that the detached data is that of many files, `present` that it was judged for the moment at
    which it was made. `sources` are where and when evidence was fetched, by its id.
    """

    data: Data
    detached: tuple[Data, ...]
    records: tuple[Data, ...]
    pool: bool
    limits: Limits
    trust: Trust
    lists: Consulted | None
    present: bool
    sources: tuple[Source, ...] = ()

    @property
    def files(self) -> tuple[Data, ...]:
        """What was given: the signed file, then data and records beside it; without data for other files."""
        return (self.data,) if self.pool else (self.data, *self.detached, *self.records)


@dataclass(slots=True)
class Consulted:
    """Trusted lists, with note of which were asked for: of all lists few decide about one file."""

    lists: Lists
    territories: dict[str, None] = field(default_factory=dict)

    def authenticated(self, country: str) -> Authenticated:
        """See `Lists.authenticated`."""
        self.territories[country] = None
        return self.lists.authenticated(country)

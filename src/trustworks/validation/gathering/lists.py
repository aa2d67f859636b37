"""Trusted lists for commands and jobs: whom they are believed by, where they come from, when they are due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.certificates import load_pem_file
from trustworks.core.pki.trusted_lists.authenticate import EU, OfficialJournal
from trustworks.core.pki.trusted_lists.markup import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

    from trustworks.core.pki.trusted_lists.authenticate import Fetch
    from trustworks.core.pki.trusted_lists.store import State

_MOST: Final = DEFAULT_LIMITS.octets
_SECONDS: Final = 60.0
"""For one list; the largest has some three million octets."""


def journal(files: Sequence[Path], location: str, publication: str) -> OfficialJournal:
    """Whom the list of lists at a location is believed by: the certificates in files (PEM).

    `publication` is the address at which the Official Journal publishes them. Raises `Malformed` for a file
    that cannot be read, and where there is no certificate in any.
    """
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - seldom asked for

    found = tuple(one.public_bytes(Encoding.DER) for file in files for one in load_pem_file(file))
    if not found:
        raise Malformed(f"There is no certificate of the Official Journal in {', '.join(map(str, files))}.")
    return OfficialJournal(publication=publication, location=location, certificates=found)


def fetch_from(
    folder: Path | None = None,
    networks: Sequence[IPv4Network | IPv6Network] = (),
    hosts: Mapping[str, str] | None = None,
) -> Fetch:
    """Fetches lists out of a folder; without one from the web, from these networks too though not public.

    `hosts` are names in lower case whose address is known, and which are asked wherever they are.
    """
    if folder is not None:
        from trustworks.core.pki.trusted_lists.fetch import Folder  # noqa: PLC0415 - seldom asked for

        return Folder(folder, most=_MOST)
    from trustworks.validation.gathering.fetching import Fetcher, FetchLimits  # noqa: PLC0415 - an HTTP client

    return Fetcher(
        FetchLimits(seconds=_SECONDS, octets=_MOST, ports=None, networks=tuple(networks), hosts=hosts or {})
    ).get


def is_kept(state: State) -> bool:
    """Whether a store has a list of lists."""
    entry = state.entry(EU)
    return entry is not None and entry.kept


def is_due(state: State, now: datetime, *, every: timedelta, again: timedelta | None = None) -> bool:
    """Whether the lists are to be looked at, `every` so often; `again` that soon after a look that failed.

    A last look that lies ahead of now was by a wrong clock, and counts for nothing.
    """
    entry = state.entry(EU)
    if entry is None:
        return True
    wait = min(every, again) if entry.problem and again is not None else every
    return not timedelta(0) <= now - entry.tried < wait

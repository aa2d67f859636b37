"""Trusted lists for commands: how they are fetched, whom they are believed by, a user's own copy."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
    from trustworks.core.pki.trusted_lists.store import State

_RENEW_AFTER: Final = timedelta(days=1)
"""The list of lists is made anew more seldom, but states may withdraw a service on any day."""


def user_store(lotl: str) -> Path:
    """The folder of the user's own copy of the lists to which a list of lists leads (XDG_CACHE_HOME)."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    # A relative path is to be taken for none (XDG Base Directory Specification).
    folder = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return folder / "trustworks" / "trust" / hashlib.sha256(lotl.encode()).hexdigest()[:16]


def lists_of(
    lotl: str,
    anchors: Sequence[Path],
    publication: str,
    *,
    offline: bool,
    networks: Sequence[str] = (),
    now: datetime | None = None,
) -> Path:
    """The store of the lists to which the list of lists at an address leads, renewed where a day went by.

    `anchors` are certificates of the Official Journal, needed the first time, and when they change. Where
    nothing good comes the copies that are kept are used, and standard error says so.

    Raises:
        Malformed: an anchor cannot be read; there are none, and no copy.
        Unavailable: there is no copy, and none can be had.
    """
    from trustworks.core.pki.trusted_lists.authenticate import EU  # noqa: PLC0415 - with --lotl alone
    from trustworks.core.pki.trusted_lists.refresh import Result, refresh  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.store import read_state  # noqa: PLC0415
    from trustworks.validation.gathering.lists import fetch_from, is_kept, journal  # noqa: PLC0415
    from trustworks.validation.service import networks_of  # noqa: PLC0415

    store, moment = user_store(lotl), now or datetime.now(UTC)
    state, _ = read_state(store)
    believed = journal(anchors, lotl, publication) if anchors else None
    if offline and not is_kept(state):
        raise Unavailable(
            "trust.lists", f"There is no copy of the lists of {lotl} yet; validate once without --offline."
        )
    if offline or (is_kept(state) and not _due(state, believed, moment)):
        return store
    if believed is None and state.journal is None:
        raise Malformed(
            f"Nobody said whom to believe about the lists of {lotl}. Name the certificates that the Official "
            "Journal publishes for it with --lotl-anchor, this once."
        )
    with progress_bar() as progress:
        fetch = fetch_from(networks=networks_of(networks))
        outcomes = refresh(store, believed, fetch, moment, progress=progress)
    first = next(one for one in outcomes if one.territory == EU)
    if first.result is Result.MISSING:
        raise Unavailable("trust.lists", f"The lists of {lotl} cannot be had: {first.words}")
    for one in outcomes:
        if one.result is Result.KEPT:
            typer.echo(
                printable(f"The trusted list of {one.territory} could not be renewed: {one.words}"), err=True
            )
    return store


def _due(state: State, believed: OfficialJournal | None, now: datetime) -> bool:
    """Whether the copies are to be renewed: a day went by, or somebody else is to be believed."""
    from trustworks.validation.gathering.lists import is_due  # noqa: PLC0415 - with --lotl alone

    if believed is not None and tuple(one.hex() for one in believed.certificates) != state.certificates:
        return True
    return is_due(state, now, every=_RENEW_AFTER)


def everywhere() -> tuple[IPv4Network | IPv6Network, ...]:
    """All addresses there are: for a laboratory."""
    from ipaddress import ip_network  # noqa: PLC0415

    return ip_network("0.0.0.0/0"), ip_network("::/0")


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int], None]]:
    """A progress bar on standard error, where that is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - the other commands do without
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Refreshing", total=None)
        yield lambda territory, total: bar.update(
            task, total=total or None, advance=1 if total else 0, description=f"Refreshing {territory}"
        )

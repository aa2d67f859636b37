"""A directory of trusted lists: the last good copy of each, what is known of it, and a cache to ask.

Whoever can write there decides what is trusted. ``state.json`` says which lists are there and what came of
their authentication; a list whose octets are not those is not used. A new list has its digest in its name
until the state speaks of it: a refresh that ends halfway leaves the lists as they were.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from trustworks.core.durable import put, read_at_most
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.trusted_lists.anchors import ListedTrustAnchors
from trustworks.core.pki.trusted_lists.authenticate import (
    EU,
    EUTL_FAILED,
    EUTL_OVERDUE,
    EUTL_PASSED,
    LOTL_FAILED,
    LOTL_OVERDUE,
    LOTL_PASSED,
    TL_FAILED,
    UNAVAILABLE,
    Authenticated,
    OfficialJournal,
    overdue,
)
from trustworks.core.pki.trusted_lists.cache import Cache, write_cache
from trustworks.core.pki.trusted_lists.markup import DEFAULT_LIMITS, Limits
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from trustworks.core.pki.trusted_lists.anchors import ListedAnchor
    from trustworks.core.pki.trusted_lists.model import TrustedList

STATE: Final = "state.json"
"""The file by which a directory of trusted lists is known."""
_CACHE: Final = "cache"
_NEW: Final = re.compile("[A-Z]{2}-[0-9a-f]{64}[.]xml")
_LONGESTSTATE: Final = 4 * 1024 * 1024
_LONGEST_CACHE: Final = 512 * 1024 * 1024


class _Edge(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Edge):
    """What is known of the list of one territory: the copy that is kept, and the last attempt to renew it."""

    territory: str
    location: str
    sha256: str = ""
    size: int = 0
    sequence_number: int = 0
    issued: datetime | None = None
    next_update: datetime | None = None
    signer_sha256: str = ""
    fetched: datetime | None = None
    seen: datetime | None = None
    """When it was last had and found good, also where it had not changed since `fetched`."""
    tried: datetime
    sub_status: tuple[str, ...] = ()
    problem: str = ""

    @property
    def kept(self) -> bool:
        """Whether there is a good copy."""
        return bool(self.sha256)


class State(_Edge):
    """``state.json``. `certificates` are those of the Official Journal, in hexadecimal."""

    format: int = 1
    publication: str = ""
    location: str = ""
    certificates: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def journal(self) -> OfficialJournal | None:
        """What is configured, once it is."""
        if not self.publication:
            return None
        return OfficialJournal(
            publication=self.publication,
            location=self.location,
            certificates=tuple(bytes.fromhex(one) for one in self.certificates),
        )

    def entry(self, territory: str) -> Entry | None:
        """The entry of a territory."""
        return next((one for one in self.entries if one.territory == territory), None)


def list_file(directory: Path, territory: str) -> Path:
    """Where the list of a territory is kept."""
    return directory / f"{territory}.xml"


def put_list(directory: Path, territory: str, octets: bytes) -> None:
    """Put a list beside the one that is kept; `write_state` makes it the one. Raises OSError."""
    put(_new_file(directory, territory, hashlib.sha256(octets).hexdigest()), octets)


def _new_file(directory: Path, territory: str, sha256: str) -> Path:
    return directory / f"{territory}-{sha256}.xml"


def read_state(directory: Path) -> tuple[State, bytes]:
    """The state of a store, and its octets; an empty one where there is none. Raises `Malformed`."""
    file = directory / STATE
    try:
        octets = read_at_most(file, _LONGESTSTATE)
    except FileNotFoundError:
        return State(), b""
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    try:
        return _state(octets), octets
    except ValueError as error:
        raise Malformed(
            f"{file} is damaged; remove the directory and run `trustworks trust refresh` again."
        ) from error


def _state(octets: bytes) -> State:
    """The state in these octets. Raises ValueError, of which pydantic's ValidationError is one."""
    state = State.model_validate_json(octets)
    _ = state.journal
    return state


def write_state(directory: Path, state: State, lists: dict[str, TrustedList]) -> None:
    """Write the state and the cache of its lists; from then on the lists that it names are the store's.

    Raises:
        Unavailable: the disk does not take them.
    """
    octets = state.model_dump_json(indent=1).encode()
    try:
        put(directory / STATE, octets)
        _settle(directory, state)
        put(directory / _CACHE, write_cache(lists, octets))
    except OSError as error:
        raise Unavailable("trust.store", f"{directory} cannot be written: {error.strerror}.") from error


def _settle(directory: Path, state: State) -> None:
    """Give the new lists that the state names their plain names; remove what an early end left behind."""
    for entry in state.entries:
        new = _new_file(directory, entry.territory, entry.sha256)
        if entry.kept and new.exists():
            new.replace(list_file(directory, entry.territory))
    for left in directory.iterdir():
        if _NEW.fullmatch(left.name):
            left.unlink()


def kept_list(directory: Path, entry: Entry, limits: Limits = DEFAULT_LIMITS) -> tuple[TrustedList, bytes]:
    """The copy of a list that is kept, and its octets. Raises `Malformed` where it was changed."""
    octets = _kept_octets(directory, entry, limits)
    return read_trusted_list(octets, limits), octets


def _kept_octets(directory: Path, entry: Entry, limits: Limits) -> bytes:
    file = list_file(directory, entry.territory)
    # A refresh may have ended between its state and the plain name of the list.
    new = _new_file(directory, entry.territory, entry.sha256)
    try:
        try:
            octets = read_at_most(new, limits.octets)
        except FileNotFoundError:
            octets = read_at_most(file, limits.octets)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(octets).hexdigest() != entry.sha256:
        raise Malformed(f"{file} was changed since it was fetched; run `trustworks trust refresh`.")
    return octets


@dataclass(frozen=True)
class TrustStore:
    """The lists of a directory at a time: authenticated lists by territory, and trust anchors.

    It satisfies what the procedures of qualification ask of `Lists`. With `overdue_lists` a list of lists
    whose next update is overdue is used all the same, with its sub-status: for a machine that is offline.
    """

    directory: Path | None
    """None: the lists are nowhere but in memory."""
    state: State
    at: datetime
    cache: Cache
    overdue_lists: bool = False
    octets: bytes = field(default=b"", repr=False)
    """The state as it was read."""

    @classmethod
    def load(cls, directory: Path, at: datetime, *, overdue_lists: bool = False) -> TrustStore:
        """The store of a directory. Raises `Malformed`; where the cache is no good, it is made anew."""
        state, octets = read_state(directory)
        if not state.entries:
            raise Malformed(f"{directory} has no trusted lists; fill it with `trustworks trust refresh`.")
        return cls(directory, state, at, _cache(directory, state, octets), overdue_lists, octets)

    @classmethod
    def of(
        cls, state: bytes, lists: Mapping[str, bytes], at: datetime, *, overdue_lists: bool = False
    ) -> TrustStore:
        """The store of a state and of the lists (by territory) that belong to it: what `published` gave.

        Raises:
            Malformed: one of them cannot be read, or they do not belong to each other.
        """
        try:
            read = _state(state)
        except ValueError as error:
            raise Malformed("The state of the trusted lists is damaged.") from error
        found = {}
        for territory, octets in lists.items():
            entry = read.entry(territory)
            if entry is None or hashlib.sha256(octets).hexdigest() != entry.sha256:
                raise Malformed(f"The trusted list of {territory} is not the one that the state is about.")
            found[territory] = read_trusted_list(octets)
        return cls(None, read, at, Cache.read(write_cache(found, state), state), overdue_lists, state)

    def published(self, territories: Iterable[str]) -> tuple[bytes, dict[str, bytes]]:
        """The state, and the lists of these territories and the list of lists, octet for octet.

        A territory without a list is left out. Raises `Malformed` where they were changed in the folder.
        """
        found: dict[str, bytes] = {}
        for territory in (EU, *territories):
            entry = self.state.entry(territory)
            if entry is not None and entry.kept and self.directory is not None:
                found[territory] = _kept_octets(self.directory, entry, DEFAULT_LIMITS)
        return self.octets, found

    def authenticated(self, country: str) -> Authenticated:
        """The list of a territory, or why there is none to believe at the store's time."""
        lotl = self.list_of_lists
        if country == EU or lotl.list is None:
            return (
                lotl
                if country == EU
                else Authenticated(
                    status=TL_FAILED, sub_status=(lotl.status, *lotl.sub_status), words=lotl.words
                )
            )
        entry, found = self.state.entry(country), self.cache.list_of(country)
        if entry is None or found is None:
            words = entry.problem if entry is not None else f"There is no list of {country} in the store."
            sub_status = entry.sub_status if entry is not None else ()
            return Authenticated(status=EUTL_FAILED, sub_status=sub_status or (UNAVAILABLE,), words=(words,))
        return Authenticated(
            status=EUTL_PASSED,
            sub_status=(*lotl.sub_status, *((EUTL_OVERDUE,) if overdue(found.scheme, self.at) else ())),
            list=found,
        )

    @cached_property
    def list_of_lists(self) -> Authenticated:
        """The list of lists, unless its next update is overdue (PRO-4.1.4-13)."""
        entry, found = self.state.entry(EU), self.cache.list_of(EU)
        if entry is None or found is None:
            words = "There is no list of lists in the store." if entry is None else entry.problem
            sub_status = () if entry is None else entry.sub_status
            return Authenticated(status=LOTL_FAILED, sub_status=sub_status or (UNAVAILABLE,), words=(words,))
        if overdue(found.scheme, self.at):
            words = (
                f"A new list of lists was due on {found.scheme.next_update:%Y-%m-%d}; run `trustworks trust "
                "refresh`."
            )
            return Authenticated(
                status=LOTL_PASSED if self.overdue_lists else LOTL_FAILED,
                sub_status=(LOTL_OVERDUE,),
                words=(words,),
                list=found if self.overdue_lists else None,
            )
        return Authenticated(status=LOTL_PASSED, list=found, journal=self.state.journal)

    @cached_property
    def anchors(self) -> tuple[ListedAnchor, ...]:
        """All services that were ever approved, as trust anchors with their periods.

        There are none where the list of lists is not to be believed.
        """
        return self.cache.anchors() if self.list_of_lists.list is not None else ()

    def trust_anchors(self, *types: str) -> ListedTrustAnchors:
        """The anchors of services of some types, or of all, for the path engine."""
        return ListedTrustAnchors(one for one in self.anchors if not types or one.type in types)


def _cache(directory: Path, state: State, octets: bytes) -> Cache:
    with suppress(OSError, Malformed):
        return Cache.read(read_at_most(directory / _CACHE, _LONGEST_CACHE), octets)
    lists = {entry.territory: kept_list(directory, entry)[0] for entry in state.entries if entry.kept}
    made = write_cache(lists, octets)
    with suppress(OSError):  # the directory may be one that others fill
        put(directory / _CACHE, made)
    return Cache.read(made, octets)

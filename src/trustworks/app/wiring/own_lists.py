"""The trusted lists that the provider itself publishes, for this process: out of its database, no HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.pki.trusted_lists.authenticate import EU
from trustworks.issuance.trusted_list import records
from trustworks.issuance.trusted_list.contents import Places

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.store import State
    from trustworks.core.store import Database


class OwnLists:
    """Gives both lists in force, by the addresses at which they are published; it satisfies `Fetch`.

    `public_url` is the address below which they say that they are, `territory` the country of the provider.
    """

    def __init__(self, database: Database, public_url: str, territory: str) -> None:
        self._database = database
        self._territory = territory
        places = Places(base=public_url.rstrip("/"), territory=territory)
        self.location = places.list_of_lists
        self._kinds = {places.list: records.LIST, places.list_of_lists: records.LIST_OF_LISTS}

    def __call__(self, address: str) -> bytes:
        """The list at an address. Raises `Unavailable` (trust.list) where it is none of ours, or none yet."""
        kind = self._kinds.get(address)
        if kind is None:
            raise Unavailable("trust.list", f"{address} is not the address of a list of our own.")
        with self._database.read() as connection:
            found = records.newest(connection, kind)
        if found is None:
            raise Unavailable("trust.list", f"No trusted list of our own was published yet at {address}.")
        return found.octets

    def have_changed(self, state: State) -> bool:
        """Whether others are in force than those that a store has."""
        with self._database.read() as connection:
            issues = (
                (EU, records.newest(connection, records.LIST_OF_LISTS)),
                (self._territory, records.newest(connection, records.LIST)),
            )
        for territory, issue in issues:
            entry = state.entry(territory)
            if issue is not None and (entry is None or entry.sha256 != issue.sha256):
                return True
        return False

"""Two processes that issue at the same time, in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Rejected
from trustworks.issuance.trusted_list import records

if TYPE_CHECKING:
    from trusted_list_house import House


def test_two_processes_do_not_use_a_number_twice(house: House) -> None:
    house.issue()
    house.provider.clock.advance(days=1)
    slow = house.lists
    signed = slow._signed(house.signer(), house.provider.clock.moment.replace(microsecond=0), "jobs")
    house.issue()
    with pytest.raises(Rejected, match="Somebody else published trusted list 2") as rejected:
        slow._publish(signed, house.provider.clock.moment, "jobs", None)
    assert rejected.value.code == "trusted-list.moved"
    with house.provider.database.read() as connection:
        assert records.last_number(connection, records.LIST) == 2

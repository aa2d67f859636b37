"""An office over the authorities of a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from console_testbed import Office

if TYPE_CHECKING:
    from issuance_testbed import Provider


@pytest.fixture
def office(provider: Provider) -> Office:
    return Office(provider)

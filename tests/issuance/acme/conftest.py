"""An ACME server over the authorities of `tests/issuance`, in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from acme_testbed import Acme

if TYPE_CHECKING:
    from issuance_testbed import Provider


@pytest.fixture
def acme(provider: Provider) -> Acme:
    return Acme(provider)

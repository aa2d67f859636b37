"""The registration authority's desk over a provider's authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from registration_testbed import DEVICES

from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.registration.service import Registration

if TYPE_CHECKING:
    from issuance_testbed import Provider


@pytest.fixture
def desk(provider: Provider) -> Registration:
    return Registration(
        RegistrationSettings.model_validate({"devices": DEVICES}),
        issuance=provider.issuance,
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
    )

"""Webhooks over a provider's authorities: a client that has the profile, a receiver, a delivery by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from webhook_receiver import receiving
from webhook_testbed import Hooks

from trustworks.issuance.config.api import ApiSettings
from trustworks.issuance.enrolment.clients import ApiClients
from trustworks.issuance.enrolment.secret_key import SecretKey
from trustworks.issuance.notices.delivery import Delivery
from trustworks.issuance.notices.endpoints import Webhooks
from trustworks.issuance.notices.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from issuance_testbed import Provider
    from webhook_receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def hooks(provider: Provider, tmp_path: Path) -> Iterator[Hooks]:
    settings = ApiSettings()
    services: dict[str, Any] = {
        "clock": provider.clock,
        "recorder": provider.recorder,
        "database": provider.database,
    }
    webhooks = Webhooks(
        settings.webhooks, **services, key=SecretKey.of_file(tmp_path / "enrolment.key"), lab=True
    )
    delivery = Delivery(
        database=provider.database,
        recorder=provider.recorder,
        now=lambda: provider.clock.moment,
        webhooks=webhooks,
        sender=Sender(settings.webhooks, lab=True),
        spread=lambda: 0.0,
    )
    found = Hooks(provider, ApiClients(settings, **services), webhooks, delivery)
    found.enrol("portal", "tls-server")
    yield found
    delivery.close()

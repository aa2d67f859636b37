"""The API over a provider's authorities, with one client that is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from api_testbed import Integrator, certificate_of
from cryptography.hazmat.primitives.asymmetric import ec
from issuance_testbed import PUBLIC_URL
from registration_testbed import DEVICES

from trustworks.issuance.config.api import ApiSettings
from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.enrolment.clients import ACTS
from trustworks.issuance.enrolment.ra import RegistrationAuthority
from trustworks.issuance.http.api import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.roles.model import Act


@pytest.fixture
def api(provider: Provider, tmp_path: Path) -> Api:
    authority = RegistrationAuthority(
        settings=provider.issuance.settings.model_copy(
            update={"registration": RegistrationSettings.model_validate({"devices": DEVICES})}
        ),
        public_url=PUBLIC_URL,
        issuance=provider.issuance,
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        lab=True,
        state_dir=tmp_path,
    )
    return Api(authority, ApiSettings())


@pytest.fixture
def enrol(api: Api, provider: Provider) -> Callable[..., Integrator]:
    def make(
        name: str = "portal",
        acts: Iterable[Act] = ACTS,
        profiles: Iterable[str] = ("tls-server", "natural-qcp-n", "natural-qcp-n-qscd"),
    ) -> Integrator:
        key = ec.generate_private_key(ec.SECP256R1())
        _, secret = api.clients.create(
            name, certificate_of(key), acts=[one.value for one in acts], profiles=profiles, by="officer"
        )
        return Integrator(api=api, clock=provider.clock, name=name, key=key, secret=secret)

    return make


@pytest.fixture
def portal(enrol: Callable[..., Integrator]) -> Integrator:
    found = enrol()
    found.sign_in()
    return found

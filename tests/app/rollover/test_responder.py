"""The responder's key is replaced by the clock: what is refused, each step, a crash between two of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from issuance_testbed import PlacedClock, Provider, open_provider
from status_provider import SHA1, request

from trustworks.app.configuration.settings import RolloverSettings
from trustworks.app.rollover.due import authority_due, service_due
from trustworks.app.rollover.responder import ResponderRollover
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.keys import records as key_records
from trustworks.core.keys import registered_events
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.module.events import new_key
from trustworks.core.module.requests import certification_request
from trustworks.core.module.states import KeyState
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.status.services import StatusServices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database

NOW = datetime(2026, 11, 28, tzinfo=UTC)
DAY = timedelta(days=1)
ONE_DATABASE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


class Site:
    """A provider whose responder's certificate is in a file, and its rollover."""

    def __init__(self, provider: Provider, module: Module, file: Path) -> None:
        self.provider, self.module, self.file = provider, module, file
        issuance = provider.issuance
        key = new_key(registered_events(provider.recorder), module, label="ocsp", algorithm=KeyAlgorithm.P256)
        made = issuance.issue(
            Request(
                profile="ocsp-signer",
                csr=certification_request(key),
                subject=(NameAttribute("commonName", "TEST OCSP"),),
                requested_by="officer",
                door=Door.OFFICER,
            )
        )
        pem = x509.load_der_x509_certificate(made.certificate).public_bytes(Encoding.PEM)
        file.write_bytes(pem)
        self.rollover = self.open_rollover()

    def open_rollover(self, **settings: float) -> ResponderRollover:
        return ResponderRollover(
            RolloverSettings.model_validate({"unattended": ["ocsp"], **settings}),
            self.provider.issuance.settings,
            file=self.file,
            issuance=self.provider.issuance,
            module=self.module,
            database=self.provider.database,
            recorder=self.provider.recorder,
        )

    def round(self) -> str:
        return self.rollover.round(self.provider.clock.moment)

    def states(self) -> dict[str, str]:
        with self.provider.database.read() as connection:
            return {one.label: one.state.value for one in key_records.keys_with(connection)}

    def label(self) -> str:
        """The key whose certificate is in the file."""
        certificate = x509.load_pem_x509_certificate(self.file.read_bytes())
        with self.provider.database.read() as connection:
            for one in key_records.keys_with(connection):
                if (
                    self.module.has(label=one.label)
                    and self.module.key(label=one.label).public_key == certificate.public_key()
                ):
                    return one.label
        return "?"


def since(clock: PlacedClock) -> float:
    return (clock.moment - NOW).total_seconds()


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
def site(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> Iterator[Site]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        root = module.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)
        issuing = module.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
        with open_provider(database, root, issuing) as provider:
            provider.issuance.create_root(root, by="ceremony")
            provider.issuance.create_issuing(issuing, by="ceremony")
            yield Site(provider, module, tmp_path / "ocsp.pem")


@pytest.mark.req("EN319411-1:GEN-6.5.1-08", "EN319411-1:GEN-6.5.1-09")
def test_an_authority_is_due_long_before_its_end() -> None:
    found = authority_due("issuing", NOW - 1000 * DAY, NOW + 1000 * DAY, 990)
    assert (found.is_due(NOW + 9 * DAY), found.is_due(NOW + 10 * DAY)) == (False, True)
    assert authority_due("issuing", NOW, NOW + 1000 * DAY, 990).due == NOW + 500 * DAY
    assert "ceremony" in found.how


@pytest.mark.req("TRUSTWORKS:ROLLOVER-DUE")
def test_a_key_is_not_due_before_half_of_its_life() -> None:
    assert service_due(NOW, NOW + 90 * DAY, 30) == NOW + 60 * DAY
    assert service_due(NOW, NOW + 90 * DAY, 366) == NOW + 45 * DAY


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-OCSP", "TRUSTWORKS:ROLLOVER-OCSP-TAKEN")
def test_the_responder_s_key_is_replaced_without_anybody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, issuance = site.provider.clock, site.provider.issuance
    settings = issuance.settings.model_copy(
        update={"ocsp": issuance.settings.ocsp.model_copy(update={"certificate": site.file})}
    )
    assert site.round() == "Nothing is due."
    subject = issuance.issue(site.provider.request("tsu"))
    asked = request(
        x509.load_der_x509_certificate(subject.certificate),
        x509.load_der_x509_certificate(issuance.authority("issuing").certificate),
        SHA1,
    )
    services = StatusServices.open(
        settings, module=site.module, database=site.provider.database, clock=clock, base=site.file.parent
    )
    monkeypatch.setattr(services.responder, "_monotonic", lambda: since(clock))

    def signer() -> x509.Certificate:
        (found,) = ocsp.load_der_ocsp_response(services.responder.answer(asked).der).certificates
        return found

    first = signer()
    clock.advance(days=61)
    assert "was made" in site.round()
    assert site.states()["ocsp-2"] == "pre-operational"
    assert "for use from" in site.round()
    assert (site.label(), signer()) == ("ocsp", first)
    clock.advance(hours=2)
    with monkeypatch.context() as patched:
        patched.setattr("trustworks.app.rollover.generations.put", _no_space)
        with pytest.raises(Unavailable, match="No space left"):
            site.round()
    # As after a kill between the state and the file: the next round writes the file.
    assert (site.label(), site.states()["ocsp-2"]) == ("ocsp", "operational")
    assert signer() == first
    assert "in use" in site.round()
    assert (site.label(), site.states()["ocsp-2"]) == ("ocsp-2", "operational")
    clock.advance(seconds=5)
    second = signer()
    assert second.serial_number != first.serial_number
    assert site.round() == "Nothing is due."
    clock.advance(hours=25)
    assert site.round() == "Destroyed: ocsp."
    assert (site.states()["ocsp"], site.module.has(label="ocsp")) == ("destroyed", False)
    assert site.round() == "Nothing is due."
    clock.advance(days=70)
    assert "ocsp-3 was made" in site.round()
    # Whoever starts now goes by the file, whatever label is configured.
    again = StatusServices.open(
        settings, module=site.module, database=site.provider.database, clock=clock, base=site.file.parent
    )
    assert again.responder.answer(asked).result == "good"


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-OCSP")
def test_what_a_crash_left_of_a_destruction_is_mended_though_the_next_key_is_due(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = site.provider.clock
    clock.advance(days=61)
    site.round()
    site.round()
    clock.advance(hours=2)
    site.round()
    clock.advance(hours=25)

    class Killed(BaseException):
        pass

    def destroy(key: Key) -> None:
        Module.destroy(site.module, key)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(site.module, "destroy", destroy)
        with pytest.raises(Killed):
            site.round()
    assert (site.states()["ocsp"], site.module.has(label="ocsp")) == ("deactivated", False)
    clock.advance(days=70)
    told = site.round()
    assert "ocsp-3 was made" in told
    assert "Destroyed: ocsp." in told
    assert site.states()["ocsp"] == "destroyed"


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-OCSP")
def test_keys_that_follow_each_other_within_the_overlap_are_destroyed_all_the_same(site: Site) -> None:
    """The overlap of a key ends so long after its own successor's first use."""
    site.rollover = site.open_rollover(**{"overlap-hours": 24 * 100})  # the certificates last 90 days
    clock = site.provider.clock
    for number in (2, 3):
        clock.advance(days=61)
        assert f"ocsp-{number} was made" in site.round()
        assert "for use from" in site.round()
        clock.advance(hours=2)
        assert "in use" in site.round()
    assert site.states() == {"ocsp": "operational", "ocsp-2": "operational", "ocsp-3": "operational"}
    clock.advance(days=39)
    assert site.round() == "Destroyed: ocsp."
    assert site.states() == {"ocsp": "destroyed", "ocsp-2": "operational", "ocsp-3": "operational"}


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-OCSP")
def test_without_its_certificate_nothing_is_replaced(site: Site) -> None:
    site.provider.clock.advance(days=61)
    site.file.write_bytes(b"nonsense")
    with pytest.raises(Malformed):
        site.round()
    site.file.unlink()
    with pytest.raises(Unavailable):
        site.round()
    assert site.states() == {"ocsp": "operational"}


def _replace(site: Site, number: int) -> None:
    site.provider.clock.advance(days=61)
    assert f"ocsp-{number} was made" in site.round()
    assert "for use from" in site.round()
    site.provider.clock.advance(hours=2)
    assert f"ocsp-{number} is in use" in site.round()


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-OCSP")
def test_the_overlap_begins_when_the_file_was_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = site.provider.clock
    clock.advance(days=61)
    site.round()
    site.round()
    clock.advance(hours=2)
    with monkeypatch.context() as patched:
        patched.setattr("trustworks.app.rollover.generations.put", _no_space)
        for _ in range(2):
            with pytest.raises(Unavailable, match="No space left"):
                site.round()
            clock.advance(hours=30)
    assert "in use" in site.round()
    clock.advance(hours=23)
    assert site.round() == "Nothing is due."
    assert site.states()["ocsp"] == "operational"
    clock.advance(hours=2)
    assert site.round() == "Destroyed: ocsp."


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-OCSP")
def test_a_key_gone_back_to_has_its_overlap_from_its_last_use(site: Site) -> None:
    clock, first = site.provider.clock, site.file.read_bytes()
    _replace(site, 2)
    clock.advance(hours=10)
    site.file.write_bytes(first)
    second = next(one for one in site.rollover._family() if one.label == "ocsp-2")
    site.rollover._register.set_state(second.spki_sha256, KeyState.SUSPENDED, reason="out of order")
    clock.advance(hours=18)
    assert "ocsp-3 was made" in site.round()
    assert "for use from" in site.round()
    clock.advance(hours=2)
    assert "ocsp-3 is in use" in site.round()
    clock.advance(hours=1)
    assert site.round() == "Nothing is due."
    assert site.states()["ocsp"] == "operational"
    clock.advance(hours=24)
    assert "ocsp" in site.round()
    assert (site.states()["ocsp"], site.module.has(label="ocsp")) == ("destroyed", False)


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-OCSP")
def test_a_key_whose_time_is_over_goes_though_the_next_one_cannot_be_made(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _replace(site, 2)
    site.provider.clock.advance(days=70)
    with monkeypatch.context() as patched:
        patched.setattr(site.module, "generate_key_pair", _away)
        with pytest.raises(Unavailable, match="away"):
            site.round()
    assert site.states() == {"ocsp": "destroyed", "ocsp-2": "operational"}


def _away(**_: object) -> None:
    raise Unavailable("test.away", "It is away.")

"""A time-stamping unit's key is replaced by the clock: what is refused, and each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from rollover_testbed import Site, open_site

from trustworks.core.errors import Malformed, TrustworksError, Unavailable
from trustworks.timestamping import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


@pytest.fixture
def site(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> Iterator[Site]:
    with open_site(database, make_token(), softhsm, tmp_path) as opened:
        yield opened


def stamp(worker: Any) -> x509.Certificate:
    """The certificate by which a token was made just now; no request may be refused."""
    answer = wire.decode_response(worker.stamp(wire.encode_request(bytes(32), "sha256", cert_req=True)))
    assert answer.token is not None, answer
    return next(
        one for one in load_der_pkcs7_certificates(answer.token) if "TSU" in one.subject.rfc4514_string()
    )


def key_in_file(site: Site) -> str:
    return site.serving.key(site.key_of("tsu").label).label


@pytest.mark.req("EN319421:7.6.7-NEW-KEY", "EN319421:7.6.7-DESTROY", "TRUSTWORKS:ROLLOVER-TSU-TAKEN")
def test_a_unit_s_key_is_replaced_without_a_refused_request(site: Site) -> None:
    worker = site.worker()
    first = stamp(worker)
    assert site.unit.round(site.clock.moment) == "Nothing is due."
    site.clock.advance(days=336)
    assert "was made" in site.unit.round(site.clock.moment)
    assert site.states()["tsu-2"] == "pre-operational"
    assert "for use from" in site.unit.round(site.clock.moment)
    worker.ping()
    assert stamp(worker) == first
    site.clock.advance(hours=1)
    assert "in use" in site.unit.round(site.clock.moment)
    assert stamp(worker) == first  # until it looks again
    worker.ping()
    second = stamp(worker)
    assert (second.serial_number != first.serial_number, key_in_file(site)) == (True, "tsu-2")
    assert stamp(site.worker()) == second  # and whoever starts now
    assert site.unit.round(site.clock.moment) == "Nothing is due."
    site.clock.advance(hours=25)
    assert site.unit.round(site.clock.moment) == "Destroyed: tsu."
    assert (site.states()["tsu"], site.module.has(label="tsu")) == ("destroyed", False)
    assert stamp(worker) == second
    site.clock.advance(days=336)
    assert "tsu-3 was made" in site.unit.round(site.clock.moment)


@pytest.mark.req("TRUSTWORKS:ROLLOVER-TSU-TAKEN")
def test_files_that_do_not_serve_leave_the_unit_in_use(site: Site) -> None:
    worker = site.worker()
    first = stamp(worker)
    before = site.tsu_file.read_bytes()
    site.tsu_file.write_bytes(b"nonsense")
    worker.ping()
    assert stamp(worker) == first
    site.tsu_file.write_bytes(site.ocsp_file.read_bytes())  # of a key for another purpose
    worker.ping()
    assert stamp(worker) == first
    site.tsu_file.write_bytes(before)
    worker.ping()
    assert stamp(worker) == first
    site.clock.advance(days=336)
    site.tsu_file.write_bytes(b"nonsense")
    with pytest.raises(Malformed):
        site.unit.round(site.clock.moment)
    assert "tsu-2" not in site.states()


def test_another_authority_s_certificate_is_waited_for(site: Site) -> None:
    rollover = site.unit_by(issuance=False)
    site.clock.advance(days=336)
    assert "was made" in rollover.round(site.clock.moment)
    told = rollover.round(site.clock.moment)
    request = site.folder / "rollover" / "tsu-2.csr"
    assert str(request) in told
    assert "keys rollover take tsu" in told
    assert x509.load_pem_x509_csr(request.read_bytes()).is_signature_valid
    (site.folder / "rollover" / "tsu-2.pem").write_bytes(site.tsu_file.read_bytes())  # of the old key
    with pytest.raises(TrustworksError, match="another key"):
        rollover.round(site.clock.moment)
    assert (site.states()["tsu-2"], key_in_file(site)) == ("pre-operational", "tsu")


def test_a_folder_that_cannot_be_written_is_told(site: Site) -> None:
    site.clock.advance(days=336)
    (site.folder / "rollover").write_bytes(b"")
    site.unit.round(site.clock.moment)
    with pytest.raises(Unavailable, match="cannot be written"):
        site.unit.round(site.clock.moment)


def test_a_unit_whose_key_expires_by_a_setting_is_left_to_people(site: Site) -> None:
    (unit,) = site.timestamping.units
    fixed = unit.model_copy(update={"key_expires": site.clock.moment})
    site.timestamping = site.timestamping.model_copy(update={"units": (fixed,)})
    with pytest.raises(Unavailable, match="Leave key-expires out"):
        site.unit_by(issuance=True).round(site.clock.moment)
    assert "tsu-2" not in site.states()

"""Which units are in use: each is taken into use or refused by itself, and tried again."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from trustworks.core.der.cms import IssuerAndSerialNumber
from trustworks.core.errors import Refused, Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.timestamping import wire
from trustworks.timestamping.standing import ASK_EVERY

if TYPE_CHECKING:
    from collections.abc import Callable

    from timestamping_testbed import Pki, SteeredClock, Stopwatch

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database
    from trustworks.timestamping.service import TimestampingAuthority

GARBAGE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def failures(response: bytes) -> tuple[str, ...]:
    return wire.decode_response(response).failures


def told(database: Database) -> list[tuple[str, str]]:
    """Kind and unit of the events about units, in the order in which they were written."""
    query = text("SELECT body FROM audit_events WHERE type LIKE 'timestamp.unit-%' ORDER BY sequence")
    with database.read() as connection:
        bodies = [json.loads(bytes(body)) for body in connection.execute(query).scalars()]
    return [(body["type"], body["subject"]["unit"]) for body in bodies]


@pytest.mark.parametrize("wrong", ["key", "certificate", "neither certificate nor key"])
def test_what_one_unit_lacks_stops_no_other(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    two_units: list[dict[str, Any]],
    sqlite: Database,
    tmp_path: Path,
    wrong: str,
) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(GARBAGE)
    if "key" in wrong:
        two_units[1]["key"] = "no-such-key"
    if "certificate" in wrong:
        two_units[1]["certificate"] = str(garbage)
    authority = authority_of(units=two_units)
    assert failures(authority.stamp(query())) == ()
    assert failures(authority.stamp(query(), "tsu-2")) == ("systemFailure",)
    with pytest.raises(Unavailable, match="no-such-key" if "key" in wrong else r"garbage\.pem"):
        authority.ping()
    first, second = authority.status()["units"]
    assert first["ok"]
    assert not second["ok"]
    assert second["code"] == ("module.key-absent" if "key" in wrong else "timestamping.certificate")
    assert told(sqlite) == [("timestamp.unit-opened", "tsu-1"), ("timestamp.unit-refused", "tsu-2")]


def test_a_unit_that_is_still_refused_is_told_once(
    authority_of: Callable[..., TimestampingAuthority], two_units: list[dict[str, Any]], sqlite: Database
) -> None:
    two_units[1]["key"] = "no-such-key"
    authority = authority_of(units=two_units)
    for _ in range(3):
        authority.attempt()
    assert told(sqlite) == [("timestamp.unit-opened", "tsu-1"), ("timestamp.unit-refused", "tsu-2")]


def test_a_fault_of_the_program_refuses_the_unit_alone(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    two_units: list[dict[str, Any]],
    tsu_module: Module,
    sqlite: Database,
) -> None:
    def keys(label: str) -> Key:
        if label == "tsu-2":
            raise ZeroDivisionError(label)
        return tsu_module.key(label)

    authority = authority_of(units=two_units, keys=keys)
    assert failures(authority.stamp(query())) == ()
    with pytest.raises(Unavailable, match=r"tsu-2 .*ZeroDivisionError") as caught:
        authority.ping()
    assert caught.value.code == "timestamping.bug"
    assert told(sqlite) == [("timestamp.unit-opened", "tsu-1"), ("timestamp.unit-refused", "tsu-2")]


@pytest.mark.parametrize("where", ["chain", "certificate"])
def test_a_damaged_certificate_in_one_unit_s_files_stops_no_other(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    two_units: list[dict[str, Any]],
    pki: Pki,
    tmp_path: Path,
    where: str,
) -> None:
    name = b"TEST Issuing CA"
    der = pki.issuing.public_bytes(Encoding.DER)
    damaged = x509.load_der_x509_certificate(
        b"\xff\xfe".join((der[: der.rindex(name)], der[der.rindex(name) + 2 :]))
    )
    with pytest.raises(ValueError, match="subject"):
        _ = damaged.subject
    file = tmp_path / "damaged.pem"
    file.write_bytes(damaged.public_bytes(Encoding.PEM))
    two_units[1][where] = str(file)
    authority = authority_of(units=two_units)
    assert failures(authority.stamp(query())) == ()
    with pytest.raises(Unavailable, match=r"damaged\.pem cannot be read") as caught:
        authority.ping()
    assert caught.value.code == "timestamping.certificate"


@pytest.mark.req("EN319421:7.6.4-CERTIFICATE-LOADED")
def test_a_unit_is_taken_into_use_when_its_certificate_comes(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    certificate: Path,
    sqlite: Database,
    tmp_path: Path,
) -> None:
    file = tmp_path / "to-come.pem"
    authority = authority_of(unit={"certificate": str(file)})
    with pytest.raises(Refused, match="no certificate yet"):
        authority.ping()
    file.write_bytes(GARBAGE)
    with pytest.raises(Unavailable, match=r"to-come\.pem"):
        authority.ping()
    file.write_bytes(certificate.read_bytes())
    authority.ping()
    assert authority.status()["ok"]
    assert failures(authority.stamp(query())) == ()
    kinds = [kind for kind, _ in told(sqlite)]
    assert kinds == ["timestamp.unit-refused", "timestamp.unit-refused", "timestamp.unit-opened"]


def test_health_names_every_unit_that_cannot_issue(
    authority_of: Callable[..., TimestampingAuthority], two_units: list[dict[str, Any]], tmp_path: Path
) -> None:
    for one in two_units:
        one["certificate"] = str(tmp_path / "absent.pem")
    with pytest.raises(Refused, match=r"tsu-1 does not issue.*tsu-2 does not issue") as caught:
        authority_of(units=two_units).ping()
    assert caught.value.requirement == "EN319421:7.6.4-CERTIFICATE-LOADED"


@pytest.mark.req("EN319421:OVR-7.12-02")
def test_a_unit_whose_opening_cannot_be_logged_is_not_used(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    certificate: Path,
    recorder: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "to-come.pem"
    authority = authority_of(unit={"certificate": str(file)})
    file.write_bytes(certificate.read_bytes())

    def full(*_: object) -> None:
        raise Unavailable("audit.unwritable", "The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(recorder, "record", full)
        authority.attempt()
        assert failures(authority.stamp(query())) == ("systemFailure",)
    authority.attempt()
    assert failures(authority.stamp(query())) == ()


def test_the_second_unit_stands_in_for_the_first_only_under_the_same_terms(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    pki: Pki,
    tsu_module: Module,
    certificate: Path,
    tmp_path: Path,
) -> None:
    file = tmp_path / "to-come.pem"
    second = {"name": "tsu-2", "certificate": str(pki.certify(tsu_module.key("tsu-2")))}
    units: list[dict[str, Any]] = [{"name": "tsu-1", "certificate": str(file)}, second]
    authority = authority_of(units=units)
    authority.look()
    assert authority.issue(query()).event is not None
    for terms in ({"policies": ["2.999.3161.8"]}, {"qualified": True}):
        other = authority_of(units=[units[0], second | terms])
        assert failures(other.stamp(query())) == ("systemFailure",)
        assert failures(other.stamp(query(), "tsu-2")) == ()
    file.write_bytes(certificate.read_bytes())
    authority.attempt()
    event = authority.issue(query()).event
    assert event is not None
    assert event.subject["unit"] == "tsu-1"


def serial_of(file: Path) -> int:
    return x509.load_pem_x509_certificate(file.read_bytes()).serial_number


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
def test_a_unit_taken_into_use_between_two_looks_does_not_issue_when_revoked(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    two_units: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    good = Path(two_units[1]["certificate"])
    file = tmp_path / "to-come.pem"
    two_units[1]["certificate"] = str(file)
    authority = authority_of(
        units=two_units, revoked=lambda serial: "now" if serial == serial_of(good) else None
    )
    assert failures(authority.stamp(query())) == ()
    file.write_bytes(good.read_bytes())
    authority.attempt()
    assert "tsu-2" in authority._units
    assert failures(authority.stamp(query(), "tsu-2")) == ("systemFailure",)
    assert authority.status()["units"][1]["code"] == "TRUSTWORKS:TSA-REVOKED-STOPS"


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
def test_a_unit_that_no_look_covered_does_not_issue(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes]
) -> None:
    (outcome,) = authority_of().issue_all([(query(), None)])
    assert outcome is not None
    assert failures(outcome.answer) == ("systemFailure",)


@pytest.mark.parametrize("why", ["revoked", "over"])
def test_a_stopped_unit_takes_its_new_certificate_into_use_without_a_restart(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    clock: SteeredClock,
    pki: Pki,
    tsu_module: Module,
    certificate: Path,
    sqlite: Database,
    tmp_path: Path,
    why: str,
) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes(certificate.read_bytes())
    revoked = {serial_of(certificate)} if why == "revoked" else set()
    authority = authority_of(
        unit={"certificate": str(file)}, revoked=lambda serial: "now" if serial in revoked else None
    )
    if why == "over":
        clock.utc += timedelta(days=366)
    assert failures(authority.stamp(query())) == ("systemFailure",)
    authority.attempt()  # nothing is new: nothing is told
    assert told(sqlite) == [("timestamp.unit-opened", "tsu-1")]
    file.write_bytes(pki.certify(tsu_module.key("tsu-2")).read_bytes())
    with pytest.raises(Refused, match="another key"):
        authority.ping()
    file.write_bytes(pki.certify(tsu_module.key("tsu-1"), key_lasts=timedelta(days=500)).read_bytes())
    authority.ping()
    assert failures(authority.stamp(query())) == ()
    kinds = [kind for kind, _ in told(sqlite)]
    assert kinds == ["timestamp.unit-opened", "timestamp.unit-refused", "timestamp.unit-opened"]


def test_a_refused_unit_whose_key_is_put_right_is_taken_into_use(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], tsu_module: Module
) -> None:
    label = ["tsu-2"]
    authority = authority_of(keys=lambda _: tsu_module.key(label[0]))
    assert failures(authority.stamp(query())) == ("systemFailure",)
    label[0] = "tsu-1"
    authority.ping()
    assert failures(authority.stamp(query())) == ()


@pytest.mark.parametrize("why", ["revoked", "over", "not begun"])
def test_the_next_unit_under_the_same_terms_answers_for_one_that_is_stopped(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    pki: Pki,
    tsu_module: Module,
    clock: SteeredClock,
    why: str,
) -> None:
    clock.utc += timedelta(days=20)
    period = {"revoked": (-1, 365), "over": (-1, 10), "not begun": (30, 365)}[why]
    starts, lasts = (timedelta(days=days) for days in period)
    first = pki.certify(tsu_module.key("tsu-1"), key_starts=starts, key_lasts=lasts)
    second = {"name": "tsu-2", "certificate": str(pki.certify(tsu_module.key("tsu-2")))}
    units: list[dict[str, Any]] = [{"name": "tsu-1", "certificate": str(first)}, second]
    revoked = {serial_of(first)} if why == "revoked" else set()
    for terms, expected in (({}, ()), ({"qualified": True}, ("systemFailure",))):
        authority = authority_of(
            units=[units[0], second | terms], revoked=lambda serial: "now" if serial in revoked else None
        )
        for asked in (query(), query(policy="2.999.3161.7")):
            assert failures(authority.stamp(asked)) == expected
        assert failures(authority.stamp(query(), "tsu-1")) == ("systemFailure",)


@pytest.mark.req("EN319421:TIS-7.7.1-09")
def test_the_next_unit_answers_at_once_when_a_period_ends_between_two_looks(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    pki: Pki,
    tsu_module: Module,
    clock: SteeredClock,
) -> None:
    first = pki.certify(tsu_module.key("tsu-1"), key_lasts=timedelta(seconds=10))
    second = pki.certify(tsu_module.key("tsu-2"))
    authority = authority_of(
        units=[{"name": "tsu-1", "certificate": str(first)}, {"name": "tsu-2", "certificate": str(second)}]
    )
    assert authority.unit_names == ("tsu-1", "tsu-2")
    assert failures(authority.stamp(query())) == ()
    clock.utc += timedelta(seconds=10)
    assert failures(authority.stamp(query(), "tsu-1")) == ("systemFailure",)
    assert not authority.is_due
    assert failures(authority.stamp(query())) == ()
    first_status, second_status = authority.status()["units"]
    assert (first_status["issued"], second_status["issued"]) == (1, 1)
    assert first_status["code"] == "EN319421:TIS-7.7.1-09"


@pytest.mark.req("TRUSTWORKS:TSA-KEY-GONE-STOPS")
def test_a_unit_whose_destroyed_key_was_replaced_takes_the_new_one_into_use(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    stopwatch: Stopwatch,
    softhsm: Path,
    make_token: Callable[..., Pkcs11Uri],
    pki: Pki,
    sqlite: Database,
    tmp_path: Path,
) -> None:
    file = tmp_path / "own.pem"
    stopwatch.step = ASK_EVERY
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        old = module.generate_key_pair(label="tsu-1", algorithm=KeyAlgorithm.P256)
        file.write_bytes(pki.certify(old).read_bytes())
        authority = authority_of(unit={"certificate": str(file)}, keys=module.key)
        assert failures(authority.stamp(query())) == ()
        module.destroy(old)
        assert failures(authority.stamp(query())) == ("systemFailure",)
        authority.attempt()  # nothing is there yet
        new = module.generate_key_pair(label="tsu-1", algorithm=KeyAlgorithm.P256)
        with pytest.raises(Unavailable, match="no longer on"):  # the certificate is that of the old one
            authority.ping()
        assert failures(authority.stamp(query())) == ("systemFailure",)
        file.write_bytes(pki.certify(new).read_bytes())
        authority.ping()
        token = wire.decode_response(authority.stamp(query())).token
        assert token is not None
        sid = wire.read_token(token).signer.sid
        assert isinstance(sid, IssuerAndSerialNumber)
        assert sid.serial_number == serial_of(file)
        (unit,) = authority.status()["units"]
        assert (unit["ok"], unit["last_failure"], unit["issued"]) == (True, None, 2)
    kinds = [kind for kind, _ in told(sqlite)]
    assert kinds == ["timestamp.unit-opened", "timestamp.unit-opened"]

"""Which units are in use: each is taken into use or refused by itself, and tried again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from trustworks.core.errors import Refused, Unavailable
from trustworks.timestamping import wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from timestamping_testbed import Pki

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
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
    assert second["requirement"] == ("module.key-absent" if "key" in wrong else "timestamping.certificate")
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

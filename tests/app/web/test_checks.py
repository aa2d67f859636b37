from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from operators_testbed import operator_of

from trustworks.app import certificates
from trustworks.app.configuration import config
from trustworks.app.health import heartbeat
from trustworks.app.health.findings import Health, Well
from trustworks.app.health.heartbeat import TaskState
from trustworks.app.lab.configuration import config_text
from trustworks.app.web import checks, terms
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.roles import Role, records
from trustworks.core.roles.model import Hold, OpenHold, Person

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.store import Database


FILES = ("tsu-1", "ocsp", "cmp", "audit", "tls", "list-signer", "report-seal", "seal")


def lab(tmp_path: Path, clock: Any = "lab") -> config.Config:
    file = tmp_path / "trustworks.toml"
    file.write_text(config_text("127.0.0.1:8080", "127.0.0.1:8443", clock), encoding="utf-8")
    return config.load(file).config


@pytest.mark.req("TRUSTWORKS:APP-BANNER")
def test_a_laboratory_its_module_and_its_clock_are_told(tmp_path: Path) -> None:
    headings = [heading for heading, _ in checks.banners(lab(tmp_path))]
    assert headings == ["Laboratory", "Test module", "Unchecked clock"]
    enforced = [heading for heading, _ in checks.banners(lab(tmp_path, "enforce"))]
    assert enforced == ["Laboratory", "Test module"]


@pytest.mark.req("TRUSTWORKS:APP-BANNER")
def test_a_provider_with_a_module_that_is_no_software_has_no_banner(tmp_path: Path) -> None:
    library = tmp_path / "libvendor.so"
    library.touch()
    file = tmp_path / "trustworks.toml"
    file.write_text(f'[provider]\nname = "A provider"\n[module]\nlibrary = "{library}"\n', encoding="utf-8")
    assert checks.banners(config.load(file).config) == ()


def certificate(file: Path, *, days: float, serial: int = 1, key_days: float | None = None) -> None:
    """A certificate that ends in so many days, and the use of its key maybe in fewer."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A TEST certificate")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
    )
    if key_days is not None:
        period = x509.PrivateKeyUsagePeriod(None, (now + timedelta(days=key_days)).replace(tzinfo=None))
        builder = builder.add_extension(period, critical=False)
    made = builder.sign(key, hashes.SHA256())
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(made.public_bytes(Encoding.PEM))


def test_certificates_that_end_are_told_before_and_after(tmp_path: Path) -> None:
    found = lab(tmp_path)
    files = [tmp_path / "certs" / f"{name}.pem" for name in FILES]
    for file in files:
        certificate(file, days=200)
    assert terms.expiries(found).sentence == "8 certificates, none ends within 30 days."
    certificate(files[1], days=10)
    assert "Renew soon:" in terms.expiries(found).sentence
    assert "ocsp.pem ends on" in terms.expiries(found).sentence
    certificate(files[3], days=-1)
    with pytest.raises(Unavailable, match=r"audit\.pem ended on .*Issue new ones") as raised:
        terms.expiries(found)
    assert raised.value.code == "certificate.expired"
    files[4].write_text("no certificate", encoding="utf-8")
    with pytest.raises(Malformed, match=r"tls\.pem holds no certificate"):
        terms.expiries(found)
    files[0].unlink()
    with pytest.raises(Unavailable, match=r"tsu-1\.pem cannot be read"):
        terms.expiries(found)


@pytest.mark.req("EN319421:7.6.7-NEW-KEY")
def test_a_key_that_ends_before_its_certificate_is_told_as_such(tmp_path: Path) -> None:
    found = lab(tmp_path)
    for name in FILES:
        certificate(tmp_path / "certs" / f"{name}.pem", days=1800)
    unit = "timestamping.units tsu-1"
    assert terms.expiries(found).detail[unit]["end_of"] == "certificate"
    for days, words in ((200, "none ends within"), (20, r"the key of \S+/tsu-1\.pem ends on")):
        certificate(tmp_path / "certs" / "tsu-1.pem", days=1800, key_days=days)
        well = terms.expiries(found)
        end = datetime.now(UTC) + timedelta(days=days)
        assert well.detail[unit]["end_of"] == "key"
        assert well.detail[unit]["until"][:10] == f"{end:%Y-%m-%d}"
        assert re.search(words, well.sentence)
        assert well.detail["issuance.ocsp ocsp"]["end_of"] == "certificate"
    certificate(tmp_path / "certs" / "tsu-1.pem", days=1800, key_days=-1)
    with pytest.raises(Unavailable, match=r"the key of \S+/tsu-1\.pem ended on .*Issue new ones"):
        terms.expiries(found)


@pytest.mark.req("TRUSTWORKS:APP-REVOKED-TOLD")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tsu-1", r"Time-stamping unit: .*issues no time-stamp\. .*\[timestamping\.units\]"),
        ("ocsp", r"OCSP responder: .*No OCSP answer is signed\. .*\[issuance\.ocsp\]"),
        ("list-signer", r"List signer: .*No trusted list is issued\. .*\[issuance\.trusted-list\]"),
        ("report-seal", r"Seal on reports: .*No report is sealed.* .*\[validation\.seal\]"),
        ("audit", r"Audit log: .*proves nothing: .*\[audit\]"),
        ("tls", r"HTTPS: .*somebody else.*\[http\.tls-certificate\]"),
    ],
)
def test_a_revoked_certificate_is_told_with_what_to_do(tmp_path: Path, name: str, words: str) -> None:
    found = lab(tmp_path)
    for number, one in enumerate(FILES, 0x7):
        certificate(tmp_path / "certs" / f"{one}.pem", days=200, serial=number)
    revoked: dict[int, str] = {}
    services: Any = SimpleNamespace(
        wiring=SimpleNamespace(config=found, revoked=lambda _, serial: revoked.get(serial)),
        log=SimpleNamespace(get=lambda: SimpleNamespace(database=None)),
        certificates=certificates.in_use(found),
    )
    assert terms.standing(services).sentence == "8 certificates, none ends within 30 days."
    serial = certificates.read(tmp_path / "certs" / f"{name}.pem").serial_number
    revoked[serial] = "keyCompromise since 2026-11-25T00:00:00Z"
    with pytest.raises(Unavailable, match=words) as raised:
        terms.standing(services)
    assert raised.value.code == "certificate.revoked"
    said = str(raised.value)
    assert (
        f"the certificate {serial:x} of {tmp_path}/certs/{name}.pem is revoked (keyCompromise since" in said
    )
    assert said.count("Take a new key and certificate into use") == 1
    assert said.endswith("started again.")
    # A new certificate in the file is of no use to processes that have the old one.
    certificate(tmp_path / "certs" / f"{name}.pem", days=200, serial=0xF)
    with pytest.raises(Unavailable, match=words):
        terms.standing(services)
    services.certificates = certificates.in_use(found)
    assert terms.standing(services).sentence == "8 certificates, none ends within 30 days."
    # One that was revoked before it was taken into use is told without a restart.
    revoked[0xF] = "certificateHold since 2026-11-25T00:00:00Z"
    services.certificates = ()
    with pytest.raises(Unavailable, match="certificateHold"):
        terms.standing(services)


@pytest.mark.req("EN319411-1:OVR-6.5.6-02")
def test_a_nearly_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services: Any = SimpleNamespace(wiring=SimpleNamespace(base=tmp_path))
    assert "GiB free" in checks.disk(services).sentence
    nearly = SimpleNamespace(f_bavail=10, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda folder: nearly if folder else None)
    with pytest.raises(Unavailable, match="Make room") as raised:
        checks.disk(services)
    assert raised.value.code == "disk.full"


def test_a_task_that_is_unwell_is_told_with_its_sentence(tmp_path: Path) -> None:
    services: Any = SimpleNamespace(wiring=SimpleNamespace(run_dir=tmp_path))
    heartbeat.write(tmp_path, {"crl": TaskState(code="ok", sentence="Fine.")})
    assert checks.jobs(services).sentence == "1 tasks, all well."
    heartbeat.write(tmp_path, {"crl": TaskState(code="store.full", sentence="The disk is full.")})
    with pytest.raises(Unavailable, match="crl: The disk is full"):
        checks.jobs(services)


def test_the_reasons_of_the_clock_are_told_at_the_clock_alone(tmp_path: Path) -> None:
    reason = "The kernel says that its clock is not synchronised. No laboratory is named."

    def refuse() -> Well:
        raise Unavailable("clock.unsynchronised", reason)

    with pytest.raises(Unavailable, match="gives no time: see clock") as raised:
        checks.pointing(refuse)
    assert (raised.value.code, reason in str(raised.value)) == ("clock.unsynchronised", False)

    def full() -> Well:
        raise Unavailable("disk.full", "The disk is full.")

    with pytest.raises(Unavailable, match="The disk is full"):
        checks.pointing(full)
    assert checks.pointing(lambda: Well(sentence="Fine.")).sentence == "Fine."
    services: Any = SimpleNamespace(wiring=SimpleNamespace(run_dir=tmp_path))
    tasks = {name: TaskState(code="clock.unsynchronised", sentence=reason) for name in ("crl", "issuance")}
    heartbeat.write(tmp_path, {**tasks, "audit": TaskState(code="store.full", sentence="Full.")})
    with pytest.raises(Unavailable) as raised:
        checks.jobs(services)
    assert str(raised.value) == "audit: Full. Waiting for the clock (see clock): crl, issuance."
    heartbeat.write(tmp_path, {**tasks, "clock": TaskState(code="clock.lease-file", sentence="No room.")})
    with pytest.raises(Unavailable) as raised:
        checks.jobs(services)
    assert str(raised.value) == "clock: No room. Waiting for the clock (see clock): crl, issuance."


def test_a_unit_whose_key_ends_soon_is_told() -> None:
    def authority(days: int) -> Any:
        end = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        status = {"units": [{"name": "tsu-1", "key_ends": end, "last_failure": None}]}
        return SimpleNamespace(ping=lambda: None, status=lambda: status)

    def sentence(days: int) -> str:
        edge = SimpleNamespace(service=authority(days))
        services: Any = SimpleNamespace(timestamping=SimpleNamespace(get=lambda: edge))
        return checks.timestamping(services).sentence

    assert sentence(200) == "Can issue: tsu-1."
    assert "The key of tsu-1 may be used until" in sentence(20)


def test_a_signature_that_failed_is_told_and_does_not_keep_requests_away() -> None:
    failure = {"code": "module.device-error", "time": "2026-11-27T18:00:00Z", "in_a_row": 9}
    unit = {"name": "tsu-1", "ok": True, "key_ends": "2999-01-01T00:00:00Z", "last_failure": failure}
    authority = SimpleNamespace(ping=lambda: None, status=lambda: {"ok": True, "units": [unit]})
    edge = SimpleNamespace(service=authority)
    services: Any = SimpleNamespace(timestamping=SimpleNamespace(get=lambda: edge))
    traffic: Any = SimpleNamespace(resource=lambda name, *, up: counted.append((name, up)))
    counted: list[tuple[str, bool]] = []
    health = Health({"timestamping": lambda: checks.timestamping(services)}, traffic=traffic)
    (found,) = health.findings()
    health.close()
    assert found.ok
    assert found.detail["units"][0]["last_failure"] == failure
    assert found.sentence == (
        "Can issue: tsu-1. tsu-1 failed 9 time(s) in a row, last at 2026-11-27T18:00:00Z "
        "(module.device-error); the next request shows whether that is over."
    )
    assert counted == [("timestamping", True)]
    now = datetime.now(UTC)
    for ago, in_a_row, failing in ((50, 10, True), (50, 9, False), (70, 10_000, False)):
        failure |= {"time": (now - timedelta(seconds=ago)).isoformat(), "in_a_row": in_a_row}
        if failing:
            with pytest.raises(Unavailable, match=r"tsu-1 failed 10 time\(s\) in a row") as raised:
                checks.timestamping(services)
            assert raised.value.code == "timestamping.failing"
        else:
            assert checks.timestamping(services).sentence.startswith("Can issue")


@pytest.mark.req("TRUSTWORKS:ROLES-HOLD-TOLD")
def test_approvals_that_are_held_for_more_than_an_hour_are_told(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    found: list[OpenHold] = []
    monkeypatch.setattr("trustworks.core.roles.records.open_holds", lambda _: found)
    services: Any = SimpleNamespace(log=SimpleNamespace(get=lambda: SimpleNamespace(database=database)))
    assert terms.roles(services).sentence == "No approvals are held for an act that did not end."
    held = OpenHold(
        hold=Hold(hold_id="ab" * 20, ids=("c", "d")),
        what="key.restore",
        sha256="ef" * 32,
        held_at=datetime.now(UTC) - timedelta(minutes=50),
        held_by="carl",
    )
    found.append(held)
    assert terms.roles(services).sentence.startswith("No approvals")
    found.append(replace(held, held_at=held.held_at - timedelta(minutes=20)))
    with pytest.raises(Unavailable, match=r"1 act\(s\) did not end .*key\.restore efef\S+ by carl") as raised:
        terms.roles(services)
    assert raised.value.code == "roles.held-long"


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN")
def test_that_operators_were_named_again_is_told_for_a_day(database: Database) -> None:
    services: Any = SimpleNamespace(log=SimpleNamespace(get=lambda: SimpleNamespace(database=database)))

    def enrol(name: str, hours: float, by: str = "owner") -> None:
        moment = datetime.now(UTC) - timedelta(hours=hours)
        made = operator_of(name, Role.OPERATOR, enrolled_at=moment, enrolled_by=by)
        with database.begin() as connection:
            records.add_operator(connection, made, Person())

    enrol("anna", 5)  # the first
    enrol("ben", 4, by="anna")
    assert terms.roles(services).sentence.startswith("No approvals")
    enrol("founder", 100)
    enrol("dora", 2)
    with pytest.raises(Unavailable, match="named operators again") as raised:
        terms.roles(services)
    assert raised.value.code == "roles.bootstrapped-again"


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN")
def test_that_operators_were_named_again_is_told_for_a_day_alone(database: Database) -> None:
    services: Any = SimpleNamespace(log=SimpleNamespace(get=lambda: SimpleNamespace(database=database)))
    with database.begin() as connection:
        for name, hours in (("anna", 100), ("dora", 25)):
            moment = datetime.now(UTC) - timedelta(hours=hours)
            made = operator_of(name, Role.OPERATOR, enrolled_at=moment, enrolled_by="owner")
            records.add_operator(connection, made, Person())
    assert terms.roles(services).sentence.startswith("No approvals")

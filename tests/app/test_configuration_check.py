"""What `trustworks config check` finds missing around a well-formed configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from closed_folder import closed
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustworks.app.configuration_check import problems
from trustworks.app.wiring import Wiring

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
[provider]
name = "Trustworks TEST Provider"
[store]
password-source = "secrets/database.pw"
[audit]
certificate = "certs/audit.pem"
[module]
approval = "state/approval.json"
[tokens]
services = "pkcs11:token=services?pin-source=file:secrets/services.pin"
[issuance]
country = "XX"
[issuance.ocsp]
certificate = "certs/ocsp.pem"
[issuance.ct]
log-list = "logs.json"
[issuance.profile-versions]
natural-qcp-n = 2
natural-qcp-l = 2
tsu = 7
[issuance.cmp]
certificate = "certs/cmp.pem"
[issuance.trusted-list]
certificate = "certs/list-signer.pem"
[validation.seal]
certificate = "certs/report-seal.pem"
"""


def told(folder: Path, text: str) -> list[str]:
    file = folder / "trustworks.toml"
    file.write_text(text, encoding="utf-8")
    return problems(Wiring.lazy(file))


def test_every_file_that_is_not_there_is_told_by_its_key(tmp_path: Path) -> None:
    found = told(tmp_path, TEXT)
    for key, name in (
        ("store.password-source", "secrets/database.pw"),
        ("audit.certificate", "certs/audit.pem"),
        ("module.approval", "state/approval.json"),
        ("issuance.ocsp.certificate", "certs/ocsp.pem"),
        ("issuance.ct.log-list", "logs.json"),
        ("issuance.cmp.certificate", "certs/cmp.pem"),
        ("issuance.trusted-list.certificate", "certs/list-signer.pem"),
        ("validation.seal.certificate", "certs/report-seal.pem"),
    ):
        assert f"{key}: there is no file {tmp_path / name}." in found
    assert [one for one in found if one.startswith("tokens.services: ") and "services.pin" in one]


def test_the_seal_on_reports_needs_the_token_of_its_key(tmp_path: Path) -> None:
    text = '[provider]\nname = "Trustworks TEST Provider"\n[validation.seal]\ncertificate = "seal.pem"\n'
    assert [one for one in told(tmp_path, text) if one.startswith("tokens.services: it is not set")]


PERSPECTIVE = """
[provider]
name = "Trustworks TEST Provider"
lab = true
[[issuance.perspectives]]
name = "tokyo"
address = "https://127.0.0.1:9"
region = "APNIC"
certificate = "tokyo.pem"
client-certificate = "ours.pem"
client-key = "ours.key"
"""


def certified(folder: Path, name: str, *, days: int = 1) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    private = folder / f"{name}.key"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)


def test_a_perspective_is_told_that_lacks_files_or_does_not_answer(tmp_path: Path) -> None:
    def of_perspectives(text: str = PERSPECTIVE) -> list[str]:
        return [one for one in told(tmp_path, text) if one.startswith("issuance.perspectives")]

    assert len(of_perspectives()) == 3
    certified(tmp_path, "tokyo")
    certified(tmp_path, "ours")
    (away,) = of_perspectives()
    assert away.startswith(
        "issuance.perspectives (tokyo): The perspective tokyo at https://127.0.0.1:9 did not"
    )
    few, _ = of_perspectives(PERSPECTIVE.replace("lab = true", "lab = false"))
    assert "other places in the network at least, and 1 are configured" in few
    certified(tmp_path, "tokyo", days=-1)
    (ended,) = of_perspectives()
    assert "tokyo.pem is not valid now" in ended
    (tmp_path / "ours.key").chmod(0o644)
    (open_to_all,) = of_perspectives()
    assert "chmod 600" in open_to_all


def test_versions_of_profiles_that_there_are_not_are_told(tmp_path: Path) -> None:
    found = [one for one in told(tmp_path, TEXT) if one.startswith("issuance.profile-versions: ")]
    assert len(found) == 2
    assert "no certificate profile 'natural-qcp-l'" in found[0]
    assert "The profile tsu has no version '7'; it has 1." in found[1]


def test_a_file_that_may_not_be_seen_is_told_with_the_reason(tmp_path: Path) -> None:
    long = "x" * 300
    text = (
        TEXT.replace("[module]\n", '[module]\nlibrary = "module.so"\n')
        + '[http]\ntls-listen = "127.0.0.1:8443"\ntls-key = "secrets/tls.key"\n'
    )
    text += f'tls-certificate = "{long}"\n'
    text += '[[timestamping.units]]\nname = "tsu-1"\ncertificate = "tsu.pem"\nchain = "chain.pem"\n'
    found = told(tmp_path, text)  # loads modules, too, that another account may not be able to read
    assert [one for one in found if f"{long} cannot be seen: File name too long." in one]
    wiring = Wiring.lazy(tmp_path / "trustworks.toml")
    _ = wiring.config
    with closed(tmp_path):
        found = problems(wiring)
    for key, name in (
        ("store.password-source", "secrets/database.pw"),
        ("http.tls-key", "secrets/tls.key"),
        ("module.library", "module.so"),
        ("timestamping.units (tsu-1) certificate", "tsu.pem"),
        ("timestamping.units (tsu-1) chain", "chain.pem"),
    ):
        (one,) = (one for one in found if one.startswith(f"{key}: "))
        assert one.startswith(
            f"{key}: {tmp_path / name} cannot be seen: Permission denied. Let the services'"
        )
    assert [one for one in found if one.startswith("tokens.services: ") and "Permission denied" in one]
    assert [one for one in found if one.startswith("store.url: ")]


def test_a_password_that_others_can_read_is_told_until_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    password = tmp_path / "secrets" / "database.pw"
    password.write_text("a password that nobody guesses", encoding="ascii")
    password.chmod(0o640)
    sentence = f"store.password-source: others can read {password}. Run chmod 600 {password}."
    assert sentence in told(tmp_path, TEXT)
    password.chmod(0o600)
    assert sentence not in told(tmp_path, TEXT)


@pytest.mark.parametrize("usage", ["server", "time-stamping", "none"])
def test_a_certificate_that_is_not_for_time_stamping_is_told(tmp_path: Path, usage: str) -> None:
    text = (
        '[provider]\nname = "Trustworks TEST Provider"\n[[timestamping.units]]\nname = "tsu-1"\n'
        'certificate = "tsu.pem"\n'
    )
    file = tmp_path / "tsu.pem"
    if usage == "none":
        file.write_text("no certificate", encoding="ascii")
    else:
        certify(
            file, ExtendedKeyUsageOID.SERVER_AUTH if usage == "server" else ExtendedKeyUsageOID.TIME_STAMPING
        )
    about = [one for one in told(tmp_path, text) if "(tsu-1) certificate" in one]
    key = "timestamping.units (tsu-1) certificate: "
    assert all(one.startswith(key) and str(file) in one for one in about)
    match usage:
        case "server":
            assert any("must be timeStamping and nothing else" in one for one in about)
            assert any("set key-expires" in one for one in about)
        case "time-stamping":
            assert len(about) == 1, "only the end of the key's use is not said"
            assert not [
                one for one in told(tmp_path, f"{text}key-expires = 2026-12-01T00:00:00Z\n") if key in one
            ]
        case _:
            assert ["cannot be read as certificates" in one for one in about] == [True]


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("garbage", "cannot be read as certificates"),
        ("another", "issued none before it"),
        ("none", "there is no file"),
    ],
)
def test_a_chain_that_does_not_lead_on_from_the_certificate_is_told(
    tmp_path: Path, chain: str, words: str
) -> None:
    text = (
        '[provider]\nname = "Trustworks TEST Provider"\n[[timestamping.units]]\nname = "tsu-1"\n'
        'certificate = "tsu.pem"\nchain = "chain.pem"\nkey-expires = 2026-12-01T00:00:00Z\n'
    )
    certify(tmp_path / "tsu.pem", ExtendedKeyUsageOID.TIME_STAMPING)
    if chain == "garbage":
        (tmp_path / "chain.pem").write_text("no certificate", encoding="ascii")
    elif chain == "another":
        certify(tmp_path / "chain.pem", ExtendedKeyUsageOID.SERVER_AUTH)
    (about,) = [one for one in told(tmp_path, text) if "chain.pem" in one or "in the chain" in one]
    assert about.startswith("timestamping.units (tsu-1)")
    assert words in about


def certify(file: Path, usage: x509.ObjectIdentifier) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A TEST certificate")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2031, 1, 1, tzinfo=UTC))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(made.public_bytes(Encoding.PEM))


def test_a_service_without_its_token_is_told(tmp_path: Path) -> None:
    without = TEXT.replace("services = ", "tsu = ")
    assert "tokens.services: it is not set, and the services that are configured need it." in told(
        tmp_path, without
    )

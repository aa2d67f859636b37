from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from trustworks.app import listeners
from trustworks.app.settings import HttpSettings
from trustworks.core.errors import Malformed, TrustworksError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def put_key(file: Path, mode: int = 0o600) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(mode)
    return key


@pytest.fixture
def http(tmp_path: Path) -> HttpSettings:
    """HTTPS with a certificate and its key."""
    key = put_key(tmp_path / "tls.key")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A TEST server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "tls.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return HttpSettings.model_validate(
        {
            "tls-listen": "127.0.0.1:8443",
            "tls-certificate": tmp_path / "tls.pem",
            "tls-key": tmp_path / "tls.key",
        }
    )


def complaint(http: HttpSettings, error: type[TrustworksError]) -> str:
    with pytest.raises(error) as raised:
        listeners.check(http)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_certificate_with_its_key_is_in_order(http: HttpSettings) -> None:
    listeners.check(http)
    listeners.check(HttpSettings())


def test_a_key_that_is_not_there_is_told(http: HttpSettings, tmp_path: Path) -> None:
    (tmp_path / "tls.key").unlink()
    assert "tls.key, cannot be read: No such file" in complaint(http, Unavailable)


def test_a_key_of_another_certificate_is_told(http: HttpSettings, tmp_path: Path) -> None:
    put_key(tmp_path / "tls.key")
    assert "does not belong to the certificate" in complaint(http, Unavailable)


def test_a_key_that_others_can_read_is_told(http: HttpSettings, tmp_path: Path) -> None:
    (tmp_path / "tls.key").chmod(0o640)
    assert "Run chmod 600" in complaint(http, Unavailable)


@pytest.mark.parametrize(
    "content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----"]
)
def test_a_file_without_a_key_is_told(http: HttpSettings, tmp_path: Path, content: str) -> None:
    (tmp_path / "tls.key").write_text(content, encoding="ascii")
    assert "holds no private key" in complaint(http, Malformed)


def test_a_missing_certificate_is_told(http: HttpSettings, tmp_path: Path) -> None:
    (tmp_path / "tls.pem").unlink()
    assert "tls.pem cannot be read" in complaint(http, Unavailable)


def test_a_proxys_secret_that_is_too_short_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "proxy.secret"
    secret.write_text("short", encoding="ascii")
    secret.chmod(0o600)
    http = HttpSettings.model_validate({"proxy": {"secret-source": secret}})
    assert "at least 32" in complaint(http, Unavailable)

"""Files of certificates, and what people give in their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from foreign_tokens import ForeignAuthority

from trustworks.core.errors import Malformed
from trustworks.core.pki.certificates import MAX_PEM, load_pem_file, readable_pem_file

CA = ForeignAuthority().anchor
PEM = CA.public_bytes(Encoding.PEM)


def test_the_certificates_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "anchors.pem"
    file.write_bytes(b"two of them\n" + PEM + PEM)
    assert readable_pem_file(file) == load_pem_file(file) == (CA, CA)


KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "It is empty"),
        (CA.public_bytes(Encoding.DER), "openssl x509 -inform DER"),
        (KEY, "It is a private key"),
        (PEM.replace(b"M", b"!", 1), "damaged"),
        (PEM[:-40], "damaged"),
        (b"hello", "no line -----BEGIN CERTIFICATE-----"),
        (bytes(MAX_PEM + 1), f"more than {MAX_PEM} octets"),
    ],
    ids=["empty", "der", "key", "damaged", "cut", "text", "long"],
)
def test_what_is_no_file_of_certificates_is_told_as_what_it_is(
    tmp_path: Path, octets: bytes, told: str
) -> None:
    file = tmp_path / "anchors.pem"
    file.write_bytes(octets)
    for read in (readable_pem_file, load_pem_file):
        with pytest.raises(Malformed, match=told) as caught:
            read(file)
        assert str(caught.value).startswith(f"{file} holds no certificates in PEM")
        assert "http" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"absent\.pem cannot be read: No such file"):
        load_pem_file(tmp_path / "absent.pem")


def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    with pytest.raises(Malformed, match="more than"):
        load_pem_file(Path("/dev/zero"))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_negative_number_is_read(tmp_path: Path) -> None:
    file = tmp_path / "anchors.pem"
    authority = ForeignAuthority()
    odd = x509.load_der_x509_certificate(authority.certify_ca(b"CA", serial=-5))
    file.write_bytes(odd.public_bytes(Encoding.PEM))
    assert readable_pem_file(file) == (odd,)

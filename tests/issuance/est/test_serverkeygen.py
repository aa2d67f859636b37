"""Keys that the server makes: who gets one, how it travels, and that nothing of it is kept."""

from __future__ import annotations

import base64
import subprocess
from email import message_from_bytes
from typing import TYPE_CHECKING, cast

import pytest
from cmp_testbed import serial_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    pkcs7,
)
from est_testbed import Est, certificates_in, request_of

from trustworks.core.audit.search import newest
from trustworks.core.der.key_packages import SIGNED_DATA, content_info
from trustworks.core.errors import Refused, Rejected
from trustworks.core.module import Module
from trustworks.core.module.subject_keys import check_nothing_kept
from trustworks.issuance.enrolment.key_generation import check_generated_for, profile_objection, recipient_of
from trustworks.issuance.profiles import PROFILES, profile_named
from trustworks.issuance.wire import read_csr

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

Own = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
NAME = "pump 7 TEST"
ASYMMETRIC = "1.2.840.113549.1.9.16.2.54"
SYMMETRIC = "1.2.840.113549.1.9.16.2.37"


@pytest.fixture
def generating(est: Est) -> Est:
    return Est(est.server, serverkeygen=["device"])


@pytest.fixture
def plain(est: Est) -> Est:
    return Est(est.server, serverkeygen=["device"], **{"serverkeygen-plaintext": True})


def asking(key: Own, *attributes: tuple[str, bytes]) -> bytes:
    """A request with attributes of one OCTET STRING each, which `cryptography` does not write.

    It writes UTF8String, so that a placeholder goes in; what takes its place makes the signature wrong.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    )
    for dotted, value in attributes:
        builder = builder.add_attribute(x509.ObjectIdentifier(dotted), b"p" * len(value))
    octets = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    for _, value in attributes:
        size = bytes([len(value)])
        octets = octets.replace(b"\x0c" + size + b"p" * len(value), b"\x04" + size + value)
    return octets


def parts(body: bytes, content_type: str) -> list[tuple[str, bytes]]:
    found = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    assert found.get_content_type() == "multipart/mixed"
    told = list(found.walk())[1:]
    return [(one["Content-Type"], cast("bytes", one.get_payload(decode=True))) for one in told]


def identifier(certificate: bytes) -> bytes:
    read = x509.load_der_x509_certificate(certificate)
    return read.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def holder(est: Est, key: Own) -> bytes:
    (found,) = certificates_in(est.enrol(request_of(key, NAME), est.server.secret()))
    return found


@pytest.mark.req("RFC7030:4.4-01")
def test_no_server_makes_keys_unless_it_is_said(est: Est, generating: Est) -> None:
    csr = asking(ec.generate_private_key(ec.SECP256R1()))
    assert est.enrol(csr, est.server.secret(), operation="serverkeygen").status == 404
    other = est.server.secret(profile="tls-server", subject="CN=*, O=*")
    answer = generating.enrol(csr, other, operation="serverkeygen")
    assert (answer.status, b"makes no keys for tls-server" in answer.body) == (403, True)
    asks = est.server.secret(ask_officer=True)
    answer = generating.enrol(csr, asks, operation="serverkeygen")
    assert (answer.status, b"An officer decides" in answer.body) == (403, True)
    with pytest.raises(Rejected, match="makes no keys for device"):
        check_generated_for(profile_named("device"), ())


@pytest.mark.req("EN319411-1:SDP-6.3.12-03")
def test_no_key_of_a_qualified_certificate_or_of_a_device_is_made(est: Est) -> None:
    for profile in PROFILES.values():
        never = profile.qc_type is not None or "(NCP+)" in profile.title
        assert (profile_objection(profile) is not None) == never, profile.name
    with pytest.raises(Rejected, match="serverkeygen names natural-qcp-n, and no server makes keys"):
        Est(est.server, serverkeygen=["natural-qcp-n"])


@pytest.mark.req("RFC7030:4.4.2-01")
@pytest.mark.parametrize("kind", ["P-256", "RSA-3072"])
def test_openssl_decrypts_the_key_to_the_certificate_that_was_shown(
    generating: Est, tmp_path: Path, kind: str
) -> None:
    own: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    own = (
        ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 3072)
    )
    shown = holder(generating, own)
    csr = asking(ec.generate_private_key(ec.SECP256R1()), (ASYMMETRIC, identifier(shown)))
    answer = generating.enrol(csr, operation="serverkeygen", client_certificate=shown)
    assert answer.status == 200, answer.body
    (kind_of_key, encrypted), (kind_of_rest, rest) = parts(answer.body, answer.content_type)
    assert kind_of_key == "application/pkcs7-mime; smime-type=server-generated-key"
    assert kind_of_rest == "application/pkcs7-mime; smime-type=certs-only"
    (certificate,) = pkcs7.load_der_pkcs7_certificates(rest)
    files = {
        "env.der": encrypted,
        "own.pem": x509.load_der_x509_certificate(shown).public_bytes(Encoding.PEM),
        "own.key": own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "chain.pem": _pem(generating, "root") + _pem(generating, "issuing"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    _openssl(tmp_path, "-decrypt -inform DER -in env.der -recip own.pem -inkey own.key -out signed.der")
    signed = content_info(SIGNED_DATA, (tmp_path / "signed.der").read_bytes())
    (tmp_path / "signed.der").write_bytes(signed)
    _openssl(
        tmp_path,
        "-verify -inform DER -in signed.der -CAfile chain.pem -purpose any -no_check_time -out package.der",
    )
    package = (tmp_path / "package.der").read_bytes()
    key = load_der_private_key(package[2 + (package[1] & 0x7F if package[1] & 0x80 else 0) :], None)
    assert _spki(key) == certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    asked = read_csr(csr).request.public_key()
    assert asked.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != _spki(key) != _spki(own)


def _openssl(folder: Path, words: str) -> None:
    done = subprocess.run(["openssl", "cms", *words.split()], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def _spki(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(est: Est, name: str) -> bytes:
    der = est.server.provider.issuance.authority(name).certificate
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


@pytest.mark.req("EN319411-1:SDP-6.5.1-22")
def test_nothing_of_the_key_is_kept(plain: Est) -> None:
    module = plain.server.authority.service_module
    assert module is not None
    opened = module()
    assert isinstance(opened, Module)
    before = opened.inventory()
    csr = asking(ec.generate_private_key(ec.SECP256R1()))
    answer = plain.enrol(csr, plain.server.secret(), operation="serverkeygen")
    assert answer.status == 200, answer.body
    (kind, private), (_, rest) = parts(answer.body, answer.content_type)
    assert kind == "application/pkcs8"
    key = load_der_private_key(private, None)
    (certificate,) = pkcs7.load_der_pkcs7_certificates(rest)
    assert certificate.public_key() == key.public_key()
    assert serial_of(certificate.public_bytes(Encoding.DER)) in plain.server.serials()
    assert opened.inventory() == before
    assert not opened.has(label="trustworks-subject")
    with plain.server.provider.database.read() as connection:
        found = newest(connection, limit=10, type_prefix="est.subject-key-generated")
        text = b"".join(event.body for event in newest(connection, limit=1000))
    assert [event.value["detail"] for event in found] == [{"encrypted": False}]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    check_nothing_kept(kept=False)
    with pytest.raises(Refused, match="was to be gone"):
        check_nothing_kept(kept=True)
    assert base64.b64encode(key.private_numbers().private_value.to_bytes(32)) not in text


@pytest.mark.req("RFC7030:4.4.2-01")
def test_a_key_goes_encrypted_or_not_at_all(generating: Est, plain: Est) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    bare = asking(own)
    for server in (generating, plain):
        shared = server.enrol(
            asking(own, (SYMMETRIC, b"key")), server.server.secret(), operation="serverkeygen"
        )
        assert (shared.status, b"not encrypted under a shared key" in shared.body) == (403, True)
        secret = server.server.secret()
        unseen = server.enrol(asking(own, (ASYMMETRIC, b"x" * 20)), secret, operation="serverkeygen")
        assert (unseen.status, b"show it" in unseen.body) == (403, True)
    before = generating.server.serials()
    answer = generating.enrol(bare, generating.server.secret(), operation="serverkeygen")
    assert (answer.status, b"sent encrypted alone" in answer.body) == (400, True)
    shown = holder(generating, own)
    wrong = asking(own, (ASYMMETRIC, b"x" * 20))
    answer = generating.enrol(wrong, operation="serverkeygen", client_certificate=shown)
    assert (answer.status, b"is not the key identifier" in answer.body) == (400, True)
    assert generating.server.serials() - before == {serial_of(shown)}
    with pytest.raises(Refused, match="sent encrypted alone"):
        recipient_of(read_csr(bare), None, plaintext=False)


def test_it_is_for_who_may_have_a_certificate(plain: Est) -> None:
    csr = asking(ec.generate_private_key(ec.SECP256R1()))
    assert plain.enrol(csr, operation="serverkeygen").status == 401
    assert plain.enrol(csr, plain.server.secret("CN=other TEST"), operation="serverkeygen").status == 400
    assert plain.enrol(b"no request", plain.server.secret(), operation="serverkeygen").status == 400
    assert plain.get("serverkeygen").status == 405
    signer = plain.server.enrolled(NAME)
    assert plain.enrol(csr, operation="serverkeygen", client_certificate=signer.certificate).status == 200

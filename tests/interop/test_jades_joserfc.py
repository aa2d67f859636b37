"""joserfc judges how JWS are read: what it signs we read and verify, what we take for signed it takes too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from jades_vectors import PAYLOAD, Signer, digest, standard
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from signed_corpus import signer, verifies

from trustworks.formats.data import Octets
from trustworks.formats.read import read

if TYPE_CHECKING:
    from joserfc.registry import Header

pytestmark = pytest.mark.interop


def registry_of(*names: str) -> jws.JWSRegistry:
    """Their rules for headers, without their bound on size: certificates are in ours."""
    registry = jws.JWSRegistry(strict_check_header=False, algorithms=list(names))
    registry.max_header_length = 100_000
    return registry


@pytest.fixture(scope="module")
def ours() -> Signer:
    return Signer()


@pytest.mark.parametrize("form", ["compact", "flattened", "general"])
@pytest.mark.parametrize("unencoded", [False, True])
def test_what_joserfc_signs_is_read(ours: Signer, form: str, unencoded: bool) -> None:
    header: Header = ours.header()
    key = ECKey.import_key(ours.key)
    registry = registry_of("ES256")
    payload = b"in-clear" if unencoded else PAYLOAD
    if unencoded:
        header |= {"b64": False, "crit": ["b64"]}
    if form == "compact":
        signed = jws.serialize_compact(header, payload, key, registry=registry).encode()
    else:
        member: Any = {"protected": header}
        signed = json.dumps(
            jws.serialize_json(member if form == "flattened" else [member], payload, key, registry=registry)
        ).encode()
    found = read(Octets(signed))
    (signature,) = found.signatures
    assert signature.level == "JAdES-BASELINE-B"
    assert verifies(signature, signer(found, signature))
    assert signature.scopes[0].data is not None
    assert signature.scopes[0].data.octets() == payload


@pytest.mark.parametrize("name", ["RS256", "PS384", "RS512", "ES384", "ES512", "Ed25519"])
def test_algorithms_mean_what_joserfc_means(name: str) -> None:
    key: Any
    if name == "Ed25519":
        key = OKPKey.generate_key("Ed25519")
    elif name.startswith("ES"):
        key = ECKey.generate_key("P-384" if name == "ES384" else "P-521")
    else:
        key = RSAKey.generate_key(2048)
    registry = registry_of(name)
    signed = jws.serialize_compact({"alg": name, "iat": 1}, b"data", key, registry=registry)
    (signature,) = read(Octets(signed.encode())).signatures
    assert verifies(signature, certified(key))


def certified(key: Any) -> bytes:
    """A certificate for the key, by another."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key, 7, begin, begin + timedelta(365))
    return builder.sign(Signer().key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_what_we_take_for_signed_joserfc_takes_too(ours: Signer) -> None:
    signed = ours.compact(ours.header(x5c=[standard(ours.certificate)], kid=digest(b"any")))
    registry = registry_of("ES256")
    key = ECKey.import_key(ours.key)
    assert jws.deserialize_compact(signed, key, registry=registry).payload == PAYLOAD
    broken = signed[:-4] + b"AAAA"
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(broken, key, registry=registry)
    found = read(Octets(broken))
    assert not verifies(found.signatures[0], signer(found, found.signatures[0]))

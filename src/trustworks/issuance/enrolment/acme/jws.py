"""Signed messages: JWS in flattened JSON (RFC 7515, 7.2.2) as RFC 8555, 6.2 narrows it; keys as JWK.

Reading is strict and `joserfc` verifies. What a message may say is ruled on in `rules/messages.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwk as jose_jwk
from joserfc import jws as jose
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.registry import HeaderParameter

from trustworks.core.errors import Malformed, Refused
from trustworks.issuance.enrolment.acme import encoding
from trustworks.issuance.enrolment.acme.model import Message, Problem, PublicKey
from trustworks.issuance.enrolment.acme.rules import messages as rules
from trustworks.issuance.rules.key_quality import check_key_quality

if TYPE_CHECKING:
    from joserfc.jwa import JWSAlgModel

# What of a JWK its thumbprint is made from (RFC 7638, 3.2; RFC 8037, 2): nothing else is kept.
MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
# The parts of a flattened serialization; one without a signed header, and a header unsigned, are none here.
_PARTS: Final = frozenset({"protected", "payload", "signature"})


class _Registry(jose.JWSRegistry):
    """`joserfc`'s algorithms with the sizes of ACME: a header holds a whole RSA key."""

    max_header_length = 16_384
    max_payload_length = 131_072
    max_signature_length = 2_048

    def get_alg(self, name: str) -> JWSAlgModel:
        """As the library's, without its warning that EdDSA has another name in new protocols."""
        if self.allowed is None or name not in self.allowed:
            raise UnsupportedAlgorithmError(f"{name} is not offered")
        return self.algorithms[name]


_HEADERS: Final = {name: HeaderParameter(name, "str") for name in ("nonce", "url")}


def _registry(algorithm: str) -> _Registry:
    return _Registry(header_registry=_HEADERS, algorithms=[algorithm], strict_check_header=False)


def read(body: bytes) -> Message:
    """A message out of a request's body or out of another message. Raises `Malformed` and `Problem`."""
    return read_document(strict_json(body, "The body"))


def read_document(document: Any) -> Message:
    """As `read`, of what was JSON."""
    if not isinstance(document, dict) or set(document) != _PARTS:
        raise Malformed(
            "A message is a JWS in flattened JSON with exactly protected, payload and signature (RFC 8555, "
            "6.2); send such a one."
        )
    if not all(isinstance(value, str) and encoding.BASE64URL.fullmatch(value) for value in document.values()):
        raise Malformed("protected, payload and signature must be Base64url without padding (RFC 8555, 6.1).")
    header = strict_json(encoding.decode(document["protected"]), "The protected header")
    if not isinstance(header, dict):
        raise Malformed("The protected header must be a JSON object.")
    rules.check_critical(header)
    rules.check_key_named_once(header)
    for name in ("alg", "url", "nonce", "kid"):
        if name in header and not isinstance(header[name], str):
            raise Malformed(f"{name} in the protected header must be a string.")
    rules.check_algorithm(header.get("alg"))
    if "url" not in header:
        raise Malformed("The protected header lacks url; name the URL that is asked (RFC 8555, 6.4).")
    return Message(
        algorithm=header["alg"],
        url=header["url"],
        nonce=header.get("nonce"),
        jwk=header.get("jwk"),
        kid=header.get("kid"),
        payload=encoding.decode(document["payload"]),
        document=document,
    )


def verify(message: Message, key: dict[str, str]) -> None:
    """`Problem` (malformed) unless the message's signature is one by that key (a JWK)."""
    try:
        found = jose_jwk.import_key(dict(key))
        registry = _registry(message.algorithm)
        jose.deserialize_json(message.document, found, registry=registry)  # type: ignore[call-overload] # a dict
    except (JoseError, ValueError, TypeError) as error:
        raise Problem(
            "malformed", "The signature does not verify with the key that the message names.", status=400
        ) from error


def verify_mac(message: Message, key: bytes) -> bool:
    """Whether the message carries a MAC by that key (external account binding)."""
    try:
        found = jose_jwk.OctKey.import_key(key)
        registry = _registry(message.algorithm)
        jose.deserialize_json(message.document, found, registry=registry)  # type: ignore[call-overload] # a dict
    except (JoseError, ValueError, TypeError):
        return False
    return True


def public_key(given: Any) -> PublicKey:
    """The public key of a JWK, good enough to stand for an account. `Problem` (badPublicKey) for others."""
    kind = given.get("kty") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in MEMBERS:  # an object or a list is looked up in no table
        raise Problem("badPublicKey", "The jwk must be a key of type EC, RSA or OKP (RFC 7518, 6).")
    rules.check_no_private_part(given)
    names = MEMBERS[kind]
    kept = {name: given.get(name) for name in names}
    if not all(isinstance(value, str) for value in kept.values()):
        raise Problem("badPublicKey", f"A jwk of this type has {', '.join(names)}, each a string.")
    given_modulus = encoding.decode(str(kept.get("n", "")))
    rules.check_account_key(given["kty"], kept.get("crv"), given_modulus)
    try:
        found = jose_jwk.import_key({name: str(value) for name, value in kept.items()})
        key: Any = found.public_key
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        thumbprint = found.thumbprint()
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Problem("badPublicKey", "The jwk is no public key that can be read.") from error
    try:
        check_key_quality(key)
    except Refused as error:
        raise Problem("badPublicKey", str(error)) from error
    return PublicKey(jwk={k: str(v) for k, v in kept.items()}, thumbprint=thumbprint, spki=spki)


def strict_json(octets: bytes, what: str) -> Any:
    """JSON without a name that comes twice. Raises `Malformed`."""
    try:
        return json.loads(octets, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Malformed(f"{what} is no JSON (RFC 8259) whose names are each given once.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found

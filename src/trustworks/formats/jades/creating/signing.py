"""Makes JAdES signatures in three steps: prepare, sign elsewhere, complete. Source: RFC 7515, 5.1 and 7."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from cryptography import x509

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import DigestOnly, Joined, Octets, hasher
from trustworks.formats.dtbs import Fields, packed
from trustworks.formats.jades.base64url import decode, encode
from trustworks.formats.jades.creating.headers import protected
from trustworks.formats.jades.headers import algorithm
from trustworks.formats.verification.value import verifies

if TYPE_CHECKING:
    from trustworks.formats.data import Data
    from trustworks.formats.jades.creating.headers import Claims
    from trustworks.formats.jades.creating.payloads import Payload

Serialization = Literal["compact", "flattened", "general"]

_KIND: Final = "JSON"
_IN_COMPACT: Final = re.compile(rb"[\x20-\x2d\x2f-\x7e]*\Z")
_HASHES: Final = {"256": "sha256", "384": "sha384", "512": "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signature to come: its protected header as it is signed, its payload as it will stand there.

    `digest` is of the signing input by `hash_name`, which is empty for a scheme that signs the octets
    themselves (Ed25519): see `signing_input`. `has_payload` False: the data is elsewhere.
    """

    header: bytes
    payload: bytes = field(repr=False)
    has_payload: bool
    certificate: bytes = field(repr=False)
    hash_name: str
    digest: bytes

    def encode(self) -> bytes:
        """As octets, to be kept until there is a signature."""
        return packed(
            _KIND,
            {
                "header": self.header,
                "payload": self.payload,
                "has_payload": int(self.has_payload),
                "certificate": self.certificate,
                "hash_name": self.hash_name,
                "digest": self.digest,
            },
        )

    @staticmethod
    def decode(octets: bytes) -> Prepared:
        """From what `encode` wrote. Raises `Malformed` for anything else."""
        read = Fields(_KIND, octets)
        return Prepared(
            header=read.octets("header"),
            payload=read.octets("payload"),
            has_payload=bool(read.number("has_payload")),
            certificate=read.octets("certificate"),
            hash_name=read.text("hash_name"),
            digest=read.octets("digest"),
        )

    def complete(self, value: bytes, serialization: Serialization = "flattened") -> bytes:
        """The signature with its value, as a module or card makes it (ECDSA in DER).

        Raises:
            Rejected: ``signature.own``: the value is not one of this key over what was prepared;
                ``jades.compact``: the payload cannot stand in the compact serialization.

        By Ed25519 over data elsewhere, which is not at hand here, the value is taken as it is.
        """
        from trustworks.core.xml.values import value_of  # noqa: PLC0415 - brings lxml, and is needed here alone

        key = x509.load_der_x509_certificate(self.certificate).public_key()
        plain = value_of(value, key)
        if (self.hash_name or self.has_payload) and not self._is_own(plain):
            raise Rejected(
                "signature.own",
                "The signature that was written does not verify. It is not given out: look at the key.",
            )
        sent = encode(plain)
        if serialization == "compact":
            fits_compact(self.payload)
            return b".".join((self.header, self.payload, sent))
        one = {"protected": self.header.decode(), "signature": sent.decode()}
        payload = {"payload": self.payload.decode()} if self.has_payload else {}
        whole: dict[str, Any] = payload | (one if serialization == "flattened" else {"signatures": [one]})
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()

    def _is_own(self, plain: bytes) -> bool:
        """Whether the value verifies with the key of the certificate, over the digest that was prepared."""
        named = algorithm(json.loads(decode(self.header.decode(), "The protected header")))
        signed: Data = Octets(self.header + b"." + self.payload)
        if self.hash_name:
            signed = DigestOnly(((self.hash_name, self.digest),))
        return verifies(named, plain, signed, self.certificate)


@implements("RFC7797:5.2-COMPACT")
def fits_compact(payload: bytes) -> None:
    """Refuses a payload in clear with characters that would end it, or that cannot stand in a URL."""
    if not _IN_COMPACT.match(payload):
        raise Rejected(
            "jades.compact",
            "The payload has a point or characters that cannot stand in the compact serialization. Encode "
            "it, or use another one.",
        )


def signing_input(header: bytes, payload: Payload) -> Data:
    """What is signed: the protected header, a point, and what stands for the payload (RFC 7515, 5.1)."""
    return Joined((Octets(header + b"."), payload.signed))


def prepare(claims: Claims, payload: Payload) -> Prepared:
    """Prepares a signature; the data is read once, in portions.

    Raises:
        Malformed, Rejected: see `headers.protected`.
        Rejected: ``jades.text``: a payload that is not encoded is no UTF-8.
    """
    header = protected(claims, payload.header, payload.critical)
    sent = encode(json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode())
    if payload.sent is not None:
        try:
            payload.sent.decode()
        except UnicodeDecodeError as error:
            raise Rejected("jades.text", "A payload that is not encoded is UTF-8 text. Encode it.") from error
    hash_name = _HASHES.get(header["alg"][-3:], "")
    digest = b""
    if hash_name:
        running = hasher(hash_name)
        for portion in signing_input(sent, payload).portions():
            running.update(portion)
        digest = running.digest()
    return Prepared(
        header=sent,
        payload=payload.sent or b"",
        has_payload=payload.sent is not None,
        certificate=claims.certificate,
        hash_name=hash_name,
        digest=digest,
    )


def parallel(first: bytes, second: bytes) -> bytes:
    """Two signatures over the same payload as one file in the general serialization (RFC 7515, 7.2.1).

    Raises:
        Rejected: ``jades.payload``: their payloads are not the same, or one is compact.
    """
    try:
        both = [json.loads(one) for one in (first, second)]
    except ValueError as error:
        raise Rejected("jades.payload", "Only signatures in JSON come together. Make them so.") from error
    payloads = [one.pop("payload", None) for one in both]
    if payloads[0] != payloads[1]:
        raise Rejected("jades.payload", "The signatures have not the same payload, and stay two files.")
    shared = {} if payloads[0] is None else {"payload": payloads[0]}
    signatures = [one for whole in both for one in whole.get("signatures", [whole])]
    return json.dumps(shared | {"signatures": signatures}, ensure_ascii=False, separators=(",", ":")).encode()

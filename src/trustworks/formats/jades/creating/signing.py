"""Makes JAdES signatures in three steps: prepare, sign elsewhere, complete. Source: RFC 7515, 5.1 and 7."""

from __future__ import annotations

import json
import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Literal

from trustworks.core.der.algorithms import SIGNER_DIGESTS
from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import DigestOnly, Joined, Octets
from trustworks.formats.dtbs import ED25519, Dtbs, Fields, packed
from trustworks.formats.jades.base64url import decode, encode
from trustworks.formats.jades.creating.headers import protected
from trustworks.formats.jades.creating.inserting import with_signatures
from trustworks.formats.jades.headers import algorithm
from trustworks.formats.jades.jws import parse
from trustworks.formats.limits import DEFAULT
from trustworks.formats.verification import plain_value, public_key, verifies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.claims import Claims
    from trustworks.formats.data import Data
    from trustworks.formats.jades.creating.headers import Options
    from trustworks.formats.jades.creating.payloads import Payload

Serialization = Literal["compact", "flattened", "general"]

_KIND: Final = "jades"
_HELD: Final = 64 * 1024
"""Octets of the signing input of data elsewhere that are held, so that keys which sign no digest sign it."""
_IN_COMPACT: Final = re.compile(rb"[\x20-\x2d\x2f-\x7e]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signature to come: its protected header as it is signed, its payload as it will stand there.

    `has_payload` False: the data is elsewhere, and of much of it `dtbs` holds a digest alone, unless the
    scheme signs the octets themselves (Ed25519).
    """

    dtbs: Dtbs
    header: bytes
    payload: bytes = field(repr=False)
    has_payload: bool

    def encode(self) -> bytes:
        """It as octets, to be stored between the steps."""
        return packed(
            _KIND,
            {
                "header": self.header,
                "payload": self.payload,
                "has_payload": int(self.has_payload),
                **self.dtbs.fields(),
            },
        )

    @classmethod
    def decode(cls, octets: bytes) -> Prepared:
        """What `encode` wrote. Raises `Malformed`."""
        found = Fields(_KIND, octets)
        return cls(
            dtbs=Dtbs.of(found),
            header=found.octets("header"),
            payload=found.octets("payload"),
            has_payload=bool(found.number("has_payload")),
        )

    def complete(self, value: bytes, serialization: Serialization = "flattened") -> bytes:
        """The third step: the file with the finished signature, which was verified.

        `value` is what a module's key signs (ECDSA in DER), over `dtbs`.

        Raises:
            Rejected: ``signature.own``: the value is not that of the certificate's key over what was
                prepared; ``signature.prepared``: what was prepared does not hold what was to be signed;
                ``jades.compact``: the payload cannot stand in the compact serialization.
        """
        if self.has_payload and self.dtbs.octets != self.header + b"." + self.payload:
            raise Rejected(
                "signature.prepared",
                "The header and payload that were prepared are not what was to be signed: one of them was "
                "changed. Prepare it anew.",
            )
        plain = plain_value(value, public_key(self.dtbs.certificate))
        named = algorithm(json.loads(decode(self.header.decode(), "The protected header")))
        if not verifies(named, plain, self.dtbs.data, self.dtbs.certificate):
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


def prepare(payload: Payload, certificates: Sequence[bytes], claims: Claims, options: Options) -> Prepared:
    """The first step. `certificates` are in DER, that of the signer first; the data is read in portions.

    Raises:
        Malformed, Rejected: see `headers.protected`.
        Rejected: ``jades.text``: a payload that is not encoded is no UTF-8; ``jades.too-large``: Ed25519
            signs the octets themselves, and there are more than can be held.
    """
    header = protected(payload, certificates, claims, options)
    try:
        sent = encode(json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode())
        (payload.sent or b"").decode()
    except UnicodeError as error:
        raise Rejected(
            "jades.text",
            "A payload that is not encoded, and all that the header says, is UTF-8 text. Encode the payload; "
            "give names and claims without halves of characters.",
        ) from error
    return Prepared(
        dtbs=Dtbs(
            data=_held(signing_input(sent, payload), options.scheme, inside=payload.sent is not None),
            scheme=options.scheme,
            certificate=certificates[0],
        ),
        header=sent,
        payload=payload.sent or b"",
        has_payload=payload.sent is not None,
    )


def _held(over: Data, scheme: str, *, inside: bool) -> Data:
    """What is kept of the signing input until it is signed: of data elsewhere a digest, if that will do."""
    if scheme != ED25519 and not inside and over.size > _HELD:
        hash_name = SIGNER_DIGESTS[scheme]
        return DigestOnly(((hash_name, over.digest(hash_name)),))
    if over.size > DEFAULT.parsed:
        raise Rejected(
            "jades.too-large",
            f"There are {over.size} octets to be signed, more than the {DEFAULT.parsed} that are held. "
            "Sign the data by its digest (sigD), or with another key than one of Ed25519.",
        )
    return Octets(over.octets())


def parallel(first: bytes, second: bytes) -> bytes:
    """Two signatures over the same payload as one file in the general serialization (RFC 7515, 7.2.1).

    What stands in them stays as it is written. Raises:
        Malformed: one is no JWS.
        Rejected: ``jades.payload``: their payloads are not the same, or one is compact.
    """
    payloads = []
    for one in (first, second):
        found, _ = parse(one, DEFAULT)
        if found[0].compact:
            raise Rejected("jades.payload", "Only signatures in JSON come together. Make them so.")
        payloads.append(found[0].payload)
    if payloads[0] != payloads[1]:
        raise Rejected("jades.payload", "The signatures have not the same payload, and stay two files.")
    return with_signatures(first, second)

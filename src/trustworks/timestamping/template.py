"""Tokens written from parts that were encoded once: some 10 us each.

Everything that stays the same for a unit (certificates, names, identifiers, attributes) is laid out when the
unit is loaded; a token patches in what differs. `wire.py` is the full encoder, and a property test holds the
two together.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat import asn1

from trustworks.core.der import cms, tsp
from trustworks.core.der.algorithms import SIGNATURES, SIGNER_DIGESTS, hash_identifier
from trustworks.core.der.elements import enter
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, SET, context, integer, oid, tlv
from trustworks.core.trace import implements
from trustworks.timestamping import wire
from trustworks.timestamping.model import PkiStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.timestamping.model import Content, Signer

_VERSION_1: Final = integer(1)
_STATUS: Final = tlv(SEQUENCE, integer(PkiStatus.GRANTED.value))
_SIGNED_DATA: Final = oid(cms.SIGNED_DATA)
_TST_INFO: Final = oid(tsp.TST_INFO)


# Different lengths that are remembered: some dozens come up, unless a client tries.
MOST_FRAMES: Final = 512


class Template:
    """The fixed parts of one unit's tokens. Threads share it."""

    def __init__(self, signer: Signer, *, accuracy_us: int, qualified: bool) -> None:
        digest_name = SIGNER_DIGESTS[signer.scheme]
        self.digest: Callable[[bytes], Any] = getattr(hashlib, digest_name)
        self.accuracy = asn1.encode_der(wire.accuracy(accuracy_us))
        self._extensions = context(1, asn1.encode_der(wire.qualified_extension())) if qualified else b""
        self._policies: dict[str, bytes] = {}
        self.before, self.after = _attributes(signer, digest_name)
        size = len(self.before) + self.digest(b"").digest_size + len(self.after)
        self._attributes_header = size - _content_length(self.before)
        self._frames: dict[tuple[int, int, bool], tuple[bytes, bytes, bytes]] = {}
        digest_algorithm = hash_identifier(digest_name)
        self._signer_head = (
            _VERSION_1 + tlv(SEQUENCE, signer.issuer, integer(signer.serial)) + digest_algorithm
        )
        self._signature_algorithm = SIGNATURES[signer.scheme]
        self._data_head = integer(3) + tlv(SET, digest_algorithm)
        self._certificates = context(0, *sorted((signer.certificate, *signer.chain)))

    def policy(self, dotted: str) -> bytes:
        """The object identifier of a policy that the unit accepts, so that there are few to remember."""
        found = self._policies.get(dotted)
        if found is None:
            found = self._policies[dotted] = oid(dotted)
        return found

    def tst_info(self, content: Content) -> bytes:
        """The TSTInfo of `content`, whose accuracy and qualification are those of the template."""
        imprint = content.hash_algorithm + tlv(OCTET_STRING, content.digest)
        time = gen_time(content.gen_time)
        return tlv(
            SEQUENCE,
            _VERSION_1,
            self.policy(content.policy),
            tlv(SEQUENCE, imprint),
            integer(content.serial),
            b"\x18%c%b" % (len(time), time),
            self.accuracy,
            b"" if content.nonce is None else integer(content.nonce),
            self._extensions,
        )

    def attributes(self, tst_info: bytes) -> bytes:
        """The signed attributes as the SET OF that the signature is over."""
        digest: bytes = self.digest(tst_info).digest()
        return self.before + digest + self.after

    def content_of(self, attributes: bytes) -> bytes:
        """The signed attributes without the header of their SET."""
        return attributes[self._attributes_header :]

    def token(self, tst_info: bytes, attributes: bytes, signature: bytes, *, certificates: bool) -> bytes:
        """The ContentInfo."""
        lengths = (len(tst_info), len(signature), certificates)
        frame = self._frames.get(lengths)
        if frame is None:
            if len(self._frames) >= MOST_FRAMES:  # lengths are the client's to choose, by its nonce
                self._frames.clear()
            frame = self._frames[lengths] = self._frame(*lengths)
        head, middle, tail = frame
        return b"".join((head, tst_info, middle, self.content_of(attributes), tail, signature))

    def _frame(self, content: int, signature: int, certificates: bool) -> tuple[bytes, bytes, bytes]:  # noqa: FBT001
        """What is before the TSTInfo, before the signed attributes' content, and before the signature.

        All tokens whose TSTInfo and signature are of these lengths have the same.
        """
        attributes = bytes(len(self.before) + self.digest(b"").digest_size + len(self.after))
        content_of_attributes = len(attributes) - self._attributes_header
        tail = self._signature_algorithm + tlv(OCTET_STRING, bytes(signature))[: -signature or None]
        signer_info = tlv(
            SEQUENCE,
            self._signer_head,
            tlv(0xA0, bytes(content_of_attributes)),
            tail,
            bytes(signature),
        )
        rest = (self._certificates if certificates else b"") + tlv(SET, signer_info)
        signed_data = tlv(
            SEQUENCE,
            self._data_head,
            tlv(SEQUENCE, _TST_INFO, context(0, tlv(OCTET_STRING, bytes(content)))),
            rest,
        )
        whole = tlv(SEQUENCE, _SIGNED_DATA, context(0, signed_data))
        return (
            whole[: len(whole) - len(rest) - content],
            rest[: len(rest) - signature - len(tail) - content_of_attributes],
            tail,
        )


def response(token: bytes) -> bytes:
    """The TimeStampResp that carries a token."""
    return tlv(SEQUENCE, _STATUS, token)


@implements("RFC3161:2.4.2-GENTIME", disabled=lambda moment: f"{moment:%Y%m%d%H%M%S.%fZ}".encode())
def gen_time(moment: datetime) -> bytes:
    """UTC to the second, then the fraction without trailing zeros (RFC 3161, 2.4.2)."""
    text = b"%04d%02d%02d%02d%02d%02d" % (
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
    )
    if moment.microsecond:
        return text + (b".%06d" % moment.microsecond).rstrip(b"0") + b"Z"
    return text + b"Z"


def _attributes(signer: Signer, digest_name: str) -> tuple[bytes, bytes]:
    """The signed attributes before and after the message digest.

    DER orders them by their octets; they differ before the digest begins, so the order does not depend on it.
    """
    size = hashlib.new(digest_name).digest_size
    whole = wire.encode_attributes(b"", signer)
    digest = tlv(OCTET_STRING, hashlib.new(digest_name, b"").digest())
    place = whole.index(digest) + len(digest) - size
    return whole[:place], whole[place + size :]


def _content_length(set_head: bytes) -> int:
    """The length that the beginning of the signed attributes' SET says of its content."""
    begin, end = enter(set_head, 0, SET)
    return end - begin

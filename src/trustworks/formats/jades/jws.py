"""The serializations of JWS, taken apart with the octets that were sent (RFC 7515, 7; RFC 7797, 5 and 6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.jades import json_text
from trustworks.formats.jades.base64url import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.formats.limits import Limits

_WHITE: Final = b" \t\r\n"
_URL_SAFE: Final = re.compile(r"[A-Za-z0-9_-]*\Z")
_COMPACT_PAYLOAD: Final = re.compile(rb"[\x20-\x2d\x2f-\x7e]*\Z")
"""What an unencoded payload of the compact serialization may hold (RFC 7797, 5.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """One signature of a JWS. `payload` are the octets of the file, encoded as there; None: detached.

    `header` is the protected header read, `header_sent` its base64url as it stands in the signing input;
    `unprotected` None where there is none; `value_sent` the base64url of `value`.
    """

    header: Mapping[str, Any]
    header_sent: bytes
    payload: bytes | None
    value: bytes
    value_sent: bytes
    unprotected: Mapping[str, Any] | None
    compact: bool
    findings: tuple[Finding, ...]

    @property
    def encoded(self) -> bool:
        """Whether the payload is base64url in the signing input: not where ``b64`` is false (RFC 7797, 3)."""
        return self.header.get("b64") is not False


def parse(octets: bytes, limits: Limits) -> tuple[tuple[Jws, ...], tuple[Finding, ...]]:
    """The signatures of a file in the compact, flattened or general serialization, and what is wrong with it.

    Raises:
        Malformed: it is none of them, or no signature in it can be read.
    """
    text = octets.removeprefix(b"\xef\xbb\xbf").strip(_WHITE)
    if not text.startswith(b"{"):
        return (_compact(text, limits),), ()
    value, repeated = json_text.parse(text, limits)
    return from_object(value, repeated, limits)


def from_object(
    value: Any, repeated: tuple[str, ...], limits: Limits
) -> tuple[tuple[Jws, ...], tuple[Finding, ...]]:
    """As `parse`, for JSON that is read already (RFC 7515, 7.2). Raises `Malformed`."""
    if not isinstance(value, dict):
        raise Malformed("A JWS in JSON is an object with signatures in it, and this is another value.")
    findings = [*repeated_members(repeated, "the JWS")]
    payload = _payload(value)
    several = value.get("signatures")
    if several is None:
        if "signature" not in value:
            raise Malformed("The JSON has neither the member signature nor signatures: it is not signed.")
        return (_one(value, payload, limits),), tuple(findings)
    read = _several(several, payload, limits, findings)
    if "signature" in value:
        findings.append(
            Finding(
                code="jades.two-serializations",
                text="The JWS has both signature and signatures; only those in signatures are read.",
                weight=Weight.SUSPICIOUS,
            )
        )
    return tuple(read), tuple(findings)


def _several(several: Any, payload: bytes | None, limits: Limits, findings: list[Finding]) -> list[Jws]:
    """The signatures that can be read; a finding for each other one."""
    if not isinstance(several, list) or not several:
        raise Malformed("The member signatures of the JWS is not an array with signatures in it.")
    if len(several) > limits.signatures:
        raise BeyondLimit(
            f"The JWS has {len(several)} signatures, more than the {limits.signatures} read.", "signatures"
        )
    read = []
    for place, item in enumerate(several):
        try:
            read.append(_one(item, payload, limits))
        except BeyondLimit:
            raise
        except Malformed as error:
            findings.append(
                Finding(
                    code="jades.unreadable-signature",
                    text=f"Signature {place + 1} of the JWS cannot be read: {error}",
                    weight=Weight.SUSPICIOUS,
                )
            )
            if len(several) == 1:
                raise
    if not read:
        raise Malformed("None of the signatures of the JWS can be read.")
    return read


@implements("RFC7515:4-UNIQUE")
def repeated_members(names: Iterable[str], where: str) -> tuple[Finding, ...]:
    """What members mean that are there twice: readers may take either value for the signed one."""
    return tuple(
        Finding(
            code="jades.duplicate-member",
            text=f"The member {name!r:.60} is more than once in one object of {where}.",
            weight=Weight.FATAL,
            requirement="RFC7515:4-UNIQUE",
        )
        for name in names
    )


def _compact(text: bytes, limits: Limits) -> Jws:
    parts = text.split(b".")
    if len(parts) != 3:
        raise Malformed(
            f"A JWS in compact serialization has three parts with points between them, and this has "
            f"{len(parts)}."
        )
    header_sent, payload, value_sent = parts
    if not _COMPACT_PAYLOAD.match(payload):
        raise Malformed("The payload of the compact JWS has characters that cannot stand there.")
    return _jws(
        header_sent.decode("latin-1"),
        payload or None,
        value_sent.decode("latin-1"),
        None,
        limits,
        compact=True,
    )


def _payload(value: dict[str, Any]) -> bytes | None:
    payload = value.get("payload")
    if payload is None or payload == "":
        return None
    if not isinstance(payload, str):
        raise Malformed("The payload of the JWS is not a string.")
    try:
        return payload.encode()
    except UnicodeEncodeError as error:
        raise Malformed("The payload of the JWS has half a character, which no octets stand for.") from error


def _one(item: Any, payload: bytes | None, limits: Limits) -> Jws:
    if not isinstance(item, dict):
        raise Malformed("it is not an object.")
    header, value, unprotected = item.get("protected"), item.get("signature"), item.get("header")
    if not isinstance(header, str):
        raise Malformed("it has no protected header as a string, so that nothing says how it was signed.")
    if not isinstance(value, str):
        raise Malformed("its value is not a string.")
    if unprotected is not None and not isinstance(unprotected, dict):
        raise Malformed("its unprotected header is not an object.")
    return _jws(header, payload, value, unprotected, limits, compact=False)


def _jws(
    header_sent: str,
    payload: bytes | None,
    value_sent: str,
    unprotected: dict[str, Any] | None,
    limits: Limits,
    *,
    compact: bool,
) -> Jws:
    header, repeated = json_text.parse(decode(header_sent, "The protected header"), limits)
    if not isinstance(header, dict):
        raise Malformed("The protected header of the JWS is not an object.")
    findings = [*repeated_members(repeated, "the protected header")]
    findings += not_url_safe(header_sent, "protected header")
    findings += not_url_safe(value_sent, "signature value")
    if unprotected and (both := sorted(unprotected.keys() & header.keys())):
        findings.append(
            Finding(
                code="jades.header-twice",
                text=f"The header {both[0]!r:.60} is in the protected and in the unprotected header.",
                weight=Weight.FATAL,
                requirement="RFC7515:4-UNIQUE",
            )
        )
    if payload is not None and header.get("b64") is not False:
        findings += not_url_safe(payload.decode(), "payload")
    return Jws(
        header=header,
        header_sent=header_sent.encode("ascii"),
        payload=payload,
        value=decode(value_sent, "The signature value"),
        value_sent=value_sent.encode("ascii"),
        unprotected=unprotected,
        compact=compact,
        findings=tuple(findings),
    )


@implements("RFC7515:2-BASE64URL")
def not_url_safe(text: str, what: str) -> tuple[Finding, ...]:
    """Parts that are in base64 of another kind: they are read, and told."""
    if _URL_SAFE.match(text):
        return ()
    finding = Finding(
        code="jades.base64url",
        text=f"The {what} of the JWS is not base64url without padding.",
        weight=Weight.NOTE,
        requirement="RFC7515:2-BASE64URL",
    )
    return (finding,)

"""Reads cryptographic suites from files: TS 119 322 in JSON and XML (RFC 5698), and DSS's constraints.

Only what a verdict asks for is read: algorithm, least size, end. Algorithms that are not known here are left
out; what a suite does not name is never reliable.

Source: TS 119 322; RFC 5698.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.der.foreign_algorithms import HASH_NAMES
from trustworks.core.errors import Malformed
from trustworks.core.xml.parse import Limits, parse
from trustworks.validation.policies.suites import Size, Suite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from trustworks.validation.policies.suites import End

DSSC: Final = "urn:ietf:params:xml:ns:dssc"
_LARGEST: Final = 4 * 1024 * 1024
_LIMITS: Final = Limits(octets=_LARGEST, depth=32, elements=50_000)
_MOST: Final = 10_000

# Names that editions write wrongly or without an identifier, as hashlib calls the function.
_DIGESTS: Final = {
    "MD5": "md5", "SHA1": "sha1", "SHA224": "sha224", "SHA256": "sha256", "SHA384": "sha384",
    "SHA512": "sha512", "SHA3-224": "sha3_224", "SHA3-256": "sha3_256", "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512", "RIPEMD160": "ripemd160", "SHA512/256": "sha512_256",
}  # fmt: skip
_SIGNATURES: Final[dict[str, tuple[str, str | None]]] = {
    "1.2.840.113549.1.1.1": ("rsa-pkcs1", None),
    "1.2.840.113549.1.1.4": ("rsa-pkcs1", "md5"),
    "1.2.840.113549.1.1.5": ("rsa-pkcs1", "sha1"),
    "1.2.840.113549.1.1.14": ("rsa-pkcs1", "sha224"),
    "1.2.840.113549.1.1.11": ("rsa-pkcs1", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa-pkcs1", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa-pkcs1", "sha512"),
    "2.16.840.1.101.3.4.3.13": ("rsa-pkcs1", "sha3_224"),
    "2.16.840.1.101.3.4.3.14": ("rsa-pkcs1", "sha3_256"),
    "2.16.840.1.101.3.4.3.15": ("rsa-pkcs1", "sha3_384"),
    "2.16.840.1.101.3.4.3.16": ("rsa-pkcs1", "sha3_512"),
    "1.2.840.113549.1.1.10": ("rsa-pss", None),
    "1.2.840.10040.4.1": ("dsa", None),
    "1.2.840.10045.4.1": ("ecdsa", "sha1"),
    "1.2.840.10045.4.3.1": ("ecdsa", "sha224"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "2.16.840.1.101.3.4.3.10": ("ecdsa", "sha3_256"),
    "2.16.840.1.101.3.4.3.11": ("ecdsa", "sha3_384"),
    "2.16.840.1.101.3.4.3.12": ("ecdsa", "sha3_512"),
    "1.3.101.112": ("eddsa", None),
    "1.3.101.113": ("eddsa", None),
}
_ENCRYPTION: Final = {
    "RSA": "rsa-pkcs1", "RSASSA-PSS": "rsa-pss", "DSA": "dsa", "ECDSA": "ecdsa", "PLAIN-ECDSA": "ecdsa",
    "ED25519": "eddsa", "ED448": "eddsa", "EDDSA": "eddsa",
}  # fmt: skip
_LEAST_CURVE: Final = 256
"""Bits of the smallest curve that editions name which list curves by themselves."""

_SIZES: Final = frozenset({"moduluslength", "plength"})


class _Draft:
    """A suite as it is read."""

    def __init__(self) -> None:
        self.digests: dict[str, End] = {}
        self.signatures: dict[tuple[str, str | None], dict[int, End]] = {}

    def add(self, name: str, oid: str, least: int, end: End) -> None:
        """Takes one evaluation of an algorithm, by name and identifier; leaves out what is not known."""
        digest = _DIGESTS.get(name.upper()) or HASH_NAMES.get(oid)
        if digest is not None:
            self.digests[digest] = end
            return
        signature = _SIGNATURES.get(oid)
        if signature is not None:
            if signature[0] == "ecdsa":
                least = least or _LEAST_CURVE
            self.signatures.setdefault(signature, {})[least] = end

    def suite(self, title: str) -> Suite:
        """The suite."""
        return Suite(
            name=title,
            digests=MappingProxyType(self.digests),
            signatures=MappingProxyType(
                {
                    key: tuple(Size(least, sizes[least]) for least in sorted(sizes))
                    for key, sizes in self.signatures.items()
                }
            ),
        )


def read_suite(octets: bytes) -> Suite:
    """A suite from a file of TS 119 322, in JSON or XML, told apart by its first octet.

    Raises:
        Malformed: the octets are no such file, or are too many.
    """
    if len(octets) > _LARGEST:
        raise Malformed(
            f"A cryptographic suite of {len(octets)} octets is more than the {_LARGEST} that are read."
        )
    if octets.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _read_xml(octets)
    return _read_json(octets)


def _read_json(octets: bytes) -> Suite:
    try:
        data = json.loads(octets.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The cryptographic suite is neither JSON nor XML: {error}.") from error
    outer = _dict(data)
    policy = _dict(outer.get("SecuritySuitabilityPolicy") or outer.get("SecuritySuitabilityPolicyType"))
    if not policy:
        raise Malformed("The JSON has no SecuritySuitabilityPolicy, and so is no suite of TS 119 322.")
    draft = _Draft()
    for algorithm in _list(policy.get("Algorithm"))[:_MOST]:
        identifier = _dict(_dict(algorithm).get("AlgorithmIdentifier"))
        oid = identifier.get("ObjectIdentifier", identifier.get("Objectidentifier", ""))
        for evaluation in _list(_dict(algorithm).get("Evaluation"))[:_MOST]:
            least = max(
                (
                    number
                    for one in _list(_dict(evaluation).get("Parameter"))
                    if _dict(one).get("name") in _SIZES and isinstance(number := _dict(one).get("Min"), int)
                ),
                default=0,
            )
            end = _dict(_dict(evaluation).get("Validity")).get("End")
            draft.add(str(identifier.get("Name", "")), str(oid), least, _day(end))
    return draft.suite(_title(_dict(policy.get("PolicyName"))))


def _title(name: Mapping[str, Any]) -> str:
    return " ".join(str(name[part]) for part in ("Name", "ObjectIdentifier") if part in name) or "suite"


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _day(value: object) -> End:
    """The first moment at which something is no longer reliable: a day, or the end of one."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and len(value) == len("2029-01-01"):
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(
            f"The cryptographic suite has the end {str(value)[:40]!r}, which is no date."
        ) from error


def _read_xml(octets: bytes) -> Suite:
    root = parse(octets, _LIMITS)
    if root.tag != f"{{{DSSC}}}SecuritySuitabilityPolicy":
        raise Malformed(f"The root element is {root.tag!r}, and so this is no suite of TS 119 322.")
    draft = _Draft()
    for algorithm in root.iterchildren(f"{{{DSSC}}}Algorithm"):
        name = _text(algorithm, "AlgorithmIdentifier/Name")
        oid = _text(algorithm, "AlgorithmIdentifier/ObjectIdentifier")
        for evaluation in algorithm.iterchildren(f"{{{DSSC}}}Evaluation"):
            least = max(
                (
                    int(number)
                    for one in evaluation.iterchildren(f"{{{DSSC}}}Parameter")
                    if one.get("name") in _SIZES
                    and (number := _text(one, "Min")).isdecimal()
                    and len(number) < 9
                ),
                default=0,
            )
            draft.add(name, oid, least, _day(_text(evaluation, "Validity/End")))
    return draft.suite(
        f"{_text(root, 'PolicyName/Name')} {_text(root, 'PolicyName/ObjectIdentifier')}".strip()
    )


def _text(parent: _Element, path: str) -> str:
    found = parent.find("/".join(f"{{{DSSC}}}{step}" for step in path.split("/")))
    return "" if found is None else (found.text or "").strip()


def suite_of_constraints(element: _Element) -> tuple[Suite, tuple[str, ...]]:
    """The suite in the Cryptographic element of a constraint file of DSS, and what of it is not taken over.

    Raises `Malformed` for a date or size that is none.
    """
    found: dict[str, list[tuple[str, int, End]]] = {}
    notes: list[str] = []
    for child in element:
        if not isinstance(child.tag, str):
            continue
        tag = child.tag.rpartition("}")[2]
        found[tag] = [
            ((one.text or "").strip(), _number(one.get("Size")), _year_or_day(one.get("Date")))
            for one in child
            if isinstance(one.tag, str)
        ]
        if tag not in _LISTS:
            notes.append(f"Cryptographic/{tag}: it is not asked here.")
        if child.get("LevelAfterUpdate", "FAIL") != "FAIL":
            notes.append(f"Cryptographic/{tag}: LevelAfterUpdate is not known; an end is an end here.")
    least = {name: size for name, size, _ in found.get("MiniPublicKeySize", ())}
    ends = {(name, size): end for name, size, end in found.get("AlgoExpirationDate", ())}
    draft = _Draft()
    for name, _, _ in found.get("AcceptableDigestAlgo", ()):
        digest = _DIGESTS.get(name.upper())
        if digest is not None:
            draft.digests[digest] = ends.get((name, 0))
    for name, _, _ in found.get("AcceptableEncryptionAlgo", ()):
        scheme = _ENCRYPTION.get(name.upper())
        if scheme is not None:
            smallest = least.get(name, 0)
            sizes = {size: end for (one, size), end in ends.items() if one == name and size >= smallest}
            draft.signatures[scheme, None] = sizes or {smallest: None}
    return draft.suite("imported"), tuple(notes)


_LISTS: Final = frozenset(
    {"AcceptableDigestAlgo", "AcceptableEncryptionAlgo", "MiniPublicKeySize", "AlgoExpirationDate"}
)


def _number(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 8:
        raise Malformed(f"The size {text[:40]!r} of a key is no number.")
    return int(text)


def _year_or_day(text: str | None) -> End:
    """Older files write years: an algorithm was reliable until that year began."""
    if text is not None and len(text) == 4 and text.isdigit():
        return _day(f"{text}-01-01")
    return _day(text)

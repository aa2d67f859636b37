"""Signed files that are damaged in one of their parts, whatever the format.

A part is found by what our reader says is in it (a value, a token, a list), and changed wherever it is
written: in base64 in XML and JSON, in hexadecimal in PDF, in members of containers. Lengths stay as they are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from signature_matrix import Cell, Made, made

from trustworks.formats.data import Octets
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.read import read
from trustworks.signing.model import Container, Format, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matrix_house import MatrixHouse

    from trustworks.formats.evidence import Evidence, TimeStamp

_SIGNING_TIME: Final = bytes.fromhex("06092a864886f70d010905")
_PAGE: Final = (b"You owe nothing.", b"You owe a heap..")
_TEXT: Final = (b"what is signed", b"what is singed")


@dataclass(frozen=True)
class Signature:
    """A signed file as it was made, and what our reader finds in it."""

    made: Made
    octets: bytes
    evidence: Evidence

    @property
    def format(self) -> Format:
        return self.made.cell.request.format

    @property
    def container(self) -> Container | None:
        return self.made.cell.request.container

    def token(self, *kinds: TimeStampKind) -> TimeStamp | None:
        return next((one for one in self.evidence.time_stamps if one.kind in kinds), None)


def signature(house: MatrixHouse, form: str, folder: Path) -> Signature:
    """Of level B-LTA, where the form has that."""
    level = Level.B if form == "jades-compact" else Level.LTA
    # The smaller choices by the number: SHA-256, a revocation list, no content time-stamp.
    found = made(house, Cell(form, level, "P-256", 12), folder)
    octets = found.file.read_bytes()
    beside = [Octets(one.read_bytes(), one.name) for one in found.beside]
    return Signature(found, octets, read(Octets(octets, found.file.name), detached=beside))


# --- where a part is written


def put(octets: bytes, old: bytes, new: bytes) -> bytes:
    """The same with `new` wherever `old` stands, in whatever it is written."""
    if octets.startswith(b"PK\x03\x04"):
        return _in_container(octets, {}, lambda member: put(member, old, new))
    if octets.startswith(b"%PDF"):
        octets = re.sub(
            rb"(?<=<)[0-9A-Fa-f]{200,}(?=>)",
            lambda found: put(bytes.fromhex(found[0].decode()), old, new).hex().encode(),
            octets,
        )
    elif (whole := _json(octets)) is not None:
        changed = _in_json(whole, old, new)
        return octets if changed == whole else json.dumps(changed, separators=(",", ":")).encode()
    elif octets.startswith(b"<"):
        octets = re.sub(rb"(?<=>)[^<>]{16,}(?=<)", lambda found: _in_base64(found[0], old, new), octets)
    elif re.fullmatch(rb"[\w-]+\.[\w-]*\.[\w-]+", octets):
        return b".".join(_in_base64url(one, old, new) for one in octets.split(b"."))
    return octets.replace(old, new)


def _in_container(
    octets: bytes, members: Mapping[str, bytes], change: Callable[[bytes], bytes] = lambda one: one
) -> bytes:
    """A container with some members changed, and its type first."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(octets)) as opened, zipfile.ZipFile(made, "w") as written:
        for one in opened.infolist():
            written.writestr(one, members.get(one.filename) or change(opened.read(one)))
    return made.getvalue()


def _json(octets: bytes) -> Any:
    """An object of JSON; None for anything else, such as a digest that begins like one."""
    if not octets.startswith(b"{"):
        return None
    try:
        return json.loads(octets)
    except ValueError:  # not UTF-8 is one, too
        return None


def _in_json(value: Any, old: bytes, new: bytes) -> Any:
    if isinstance(value, dict):
        return {name: _in_json(one, old, new) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_json(one, old, new) for one in value]
    if not isinstance(value, str):
        return int(new) if str(value).encode() == old else value
    plain = value.encode()
    for change in (_in_base64url, _in_base64):
        changed = change(plain, old, new)
        if changed != plain:
            return changed.decode()
    return plain.replace(old, new).decode() if old in plain else value


def _in_base64(text: bytes, old: bytes, new: bytes) -> bytes:
    try:
        plain = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return text
    changed = put(plain, old, new)
    return text if changed == plain else base64.b64encode(changed)


def _in_base64url(text: bytes, old: bytes, new: bytes) -> bytes:
    if not re.fullmatch(rb"[\w-]+", text):
        return text
    try:
        plain = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return text
    changed = put(plain, old, new)
    return text if changed == plain else base64.urlsafe_b64encode(changed).rstrip(b"=")


def flipped(octets: bytes) -> bytes:
    """With another last bit."""
    return octets[:-1] + bytes([octets[-1] ^ 1])


# --- the parts

Damage = tuple[bytes, dict[str, bytes]]
"""The signed file, and those of the documents beside it that are changed."""


def of_data(one: Signature) -> Damage | None:
    """The documents."""
    if one.made.beside:
        return one.octets, {file.name: put(file.read_bytes(), *_TEXT) for file in one.made.beside}
    return put(one.octets, *(_PAGE if one.format is Format.PADES else _TEXT)), {}


def of_value(one: Signature) -> Damage | None:
    """The signature value."""
    return put(one.octets, *_last_flipped(_value(one))), {}


def _value(one: Signature) -> bytes:
    if one.format is Format.XADES:
        octets = one.octets
        if one.container is not None:
            with zipfile.ZipFile(io.BytesIO(octets)) as opened:
                (name,) = (each for each in opened.namelist() if "signatures" in each)
                octets = opened.read(name)
        return base64.b64decode(etree.fromstring(octets).findtext(".//{*}SignatureValue", ""))
    if one.format is Format.JADES:
        if one.octets.startswith(b"{"):
            whole = json.loads(one.octets)
            text = (whole.get("signatures") or [whole])[0]["signature"].encode()
        else:
            text = one.octets.split(b".")[2]
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    return one.evidence.signatures[0].value


def _last_flipped(octets: bytes) -> tuple[bytes, bytes]:
    return octets, flipped(octets)


def of_signing_time(one: Signature) -> Damage | None:
    """A signed attribute: the time that the signer claims. A PDF has it in its dictionary."""
    time = one.evidence.signatures[0].attributes.signing_time
    assert time is not None
    if one.format is Format.PADES:
        return None
    if one.format is Format.CADES:
        old = _SIGNING_TIME + b"\x31\x0f\x17\x0d" + f"{time:%y%m%d%H%M%S}Z".encode()
        return put(one.octets, old, old[:-2] + bytes([old[-2] ^ 1]) + old[-1:]), {}
    if one.format is Format.XADES:
        old = f"{time:%Y-%m-%dT%H:%M:%S}".encode()
    else:
        old = str(int(time.timestamp())).encode()
    return put(one.octets, old, flipped(old)), {}


def of_certificate_reference(one: Signature) -> Damage | None:
    """The digest of the signer's certificate, which is signed."""
    return put(one.octets, *_last_flipped(hashlib.sha256(one.made.certificate).digest())), {}


def of_certificate(one: Signature) -> Damage | None:
    """The signer's certificate itself, in its signature."""
    return put(one.octets, *_last_flipped(one.made.certificate)), {}


def _of_token(one: TimeStamp | None, at: Callable[[TimeStamp], bytes], of: Signature) -> Damage | None:
    if one is None:
        return None
    old = at(one)
    assert one.der.count(old) == 1
    return put(of.octets, one.der, one.der.replace(old, flipped(old))), {}


def _imprint(one: TimeStamp) -> bytes:
    """The digest in the token, with its tag, which comes first of all that is as long."""
    found = re.search(rb"\x04\x20.{32}", one.der, re.DOTALL)
    assert found is not None
    return found[0]


def _token_value(one: TimeStamp) -> bytes:
    return one.signature.value


_SIGNATURE: Final = (TimeStampKind.SIGNATURE,)
_ARCHIVE: Final = (TimeStampKind.ARCHIVE, TimeStampKind.DOCUMENT, TimeStampKind.CONTAINER)


def of_time_stamp_imprint(one: Signature) -> Damage | None:
    """What the signature time-stamp is over."""
    return _of_token(one.token(*_SIGNATURE), _imprint, one)


def of_time_stamp_value(one: Signature) -> Damage | None:
    """The signature of the unit in the signature time-stamp."""
    return _of_token(one.token(*_SIGNATURE), _token_value, one)


def of_archive_imprint(one: Signature) -> Damage | None:
    """What the archive time-stamp is over."""
    return _of_token(one.token(*_ARCHIVE), _imprint, one)


def of_archive_value(one: Signature) -> Damage | None:
    """The signature of the unit in the archive time-stamp."""
    return _of_token(one.token(*_ARCHIVE), _token_value, one)


def of_revocation(one: Signature) -> Damage | None:
    """Every list of revoked certificates in the file, in its signature."""
    octets = one.octets
    for found in one.evidence.revocation.values():
        octets = put(octets, *_last_flipped(found.der))
    return None if octets == one.octets else (octets, {})


def of_manifest(one: Signature) -> Damage | None:
    """The manifest of an ASiC-E with CAdES, which is what is signed: the digest of a file in it."""
    if one.container is not Container.ASIC_E or one.format is not Format.CADES:
        return None
    digest = hashlib.sha256(one.made.cell.request.documents[0].data.octets()).digest()
    return put(one.octets, *_last_flipped(digest)), {}


def of_type(one: Signature) -> Damage | None:
    """The type of a container, in its first member."""
    if one.container is None:
        return None
    return _in_container(one.octets, {"mimetype": b"application/vnd.example.other"}), {}


def of_byte_range(one: Signature) -> Damage | None:
    """The byte range of a PDF: the last part of what is signed is an octet shorter."""
    if one.format is not Format.PADES:
        return None
    found = re.search(rb"/ByteRange ?\[ ?\d+ \d+ \d+ (\d+)", one.octets)
    assert found is not None
    shorter = str(int(found[1]) - 1).rjust(len(found[1])).encode()
    return one.octets[: found.start(1)] + shorter + one.octets[found.end(1) :], {}


PARTS: Final[Mapping[str, Callable[[Signature], Damage | None]]] = {
    "signed data": of_data,
    "signature value": of_value,
    "signed attribute": of_signing_time,
    "certificate reference": of_certificate_reference,
    "certificate": of_certificate,
    "time-stamp imprint": of_time_stamp_imprint,
    "time-stamp value": of_time_stamp_value,
    "archive imprint": of_archive_imprint,
    "archive value": of_archive_value,
    "revocation data": of_revocation,
    "manifest": of_manifest,
    "container type": of_type,
    "byte range": of_byte_range,
}
"""Each part, and a function that damages it; None: the form has no such part."""


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A file that is damaged in one part, with the documents beside it."""

    form: str
    part: str
    file: Path
    beside: tuple[Path, ...]

    @property
    def name(self) -> str:
        return f"{self.form}: {self.part}"


def damaged(house: MatrixHouse, form: str, folder: Path) -> list[Damaged]:
    """A signature of that form, damaged in each of its parts, each in a folder of its own."""
    whole = signature(house, form, folder)
    found = []
    for part, damage in PARTS.items():
        done = damage(whole)
        if done is None:
            continue
        octets, documents = done
        assert octets != whole.octets or documents, (form, part)
        into = folder / f"{form} {part}".replace(" ", "_")
        into.mkdir()
        file = into / whole.made.file.name
        file.write_bytes(octets)
        beside = []
        for one in whole.made.beside:
            beside.append(into / one.name)
            beside[-1].write_bytes(documents.get(one.name, one.read_bytes()))
        found.append(Damaged(form=form, part=part, file=file, beside=tuple(beside)))
    return found


Verdicts = tuple[str, ...]
"""Of the signature, its time-stamp, its archive time-stamp."""
_BROKEN: Final = "FAILED HASH_FAILURE"
_FORGED: Final = "FAILED SIG_CRYPTO_FAILURE"
_CHANGED: Final = "TOTAL-FAILED HASH_FAILURE"
_UNKNOWN: Final = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND"
_MISSING: Final = "INDETERMINATE SIGNED_DATA_NOT_FOUND"
_WHOLE: Final = "TOTAL-PASSED"
_STANDS: Final = "PASSED"
_BY_HASH_INDEX: Final = ("cades-*", "asic-s-cades")
"""An archive time-stamp of CMS names digests of all that it is over; another digest is of nothing there."""
EXPECTED: Final[tuple[tuple[str, tuple[str, ...], Verdicts], ...]] = (
    # A manifest of XMLDSig is what is signed, and stands between data and time-stamp.
    ("signed data", ("xades-manifest",), (_CHANGED, _STANDS, _STANDS)),
    ("signed data", ("*",), (_CHANGED, _STANDS, _BROKEN)),
    # In JWS the value is over the data itself, so that nothing tells one from the other.
    ("signature value", ("jades-*",), (_CHANGED, _BROKEN, _BROKEN)),
    ("signature value", ("*",), ("TOTAL-FAILED SIG_CRYPTO_FAILURE", _BROKEN, _BROKEN)),
    # Signed attributes are referenced in XML, in CMS they are what the value is over.
    ("signed attribute", ("*cades*",), ("TOTAL-FAILED SIG_CRYPTO_FAILURE", _STANDS, _BROKEN)),
    ("signed attribute", ("*",), (_CHANGED, _STANDS, _BROKEN)),
    ("certificate reference", ("*",), (_UNKNOWN, _STANDS, _BROKEN)),
    ("certificate", _BY_HASH_INDEX, (_UNKNOWN, _STANDS, _MISSING)),
    ("certificate", ("*",), (_UNKNOWN, _STANDS, _BROKEN)),
    # A time-stamp that fails proves nothing; the signature stands by what is known at the time of validation.
    ("time-stamp imprint", _BY_HASH_INDEX, (_WHOLE, _BROKEN, _MISSING)),
    ("time-stamp imprint", ("*",), (_WHOLE, _BROKEN, _BROKEN)),
    ("time-stamp value", _BY_HASH_INDEX, (_WHOLE, _FORGED, _MISSING)),
    ("time-stamp value", ("*",), (_WHOLE, _FORGED, _BROKEN)),
    ("archive imprint", ("*",), (_WHOLE, _STANDS, _BROKEN)),
    ("archive value", ("*",), (_WHOLE, _STANDS, _FORGED)),
    # The list that tells of the signer is in the file alone.
    (
        "revocation data",
        _BY_HASH_INDEX,
        ("INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE", _STANDS, _MISSING),
    ),
    ("revocation data", ("*",), ("INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE", _STANDS, _BROKEN)),
    ("manifest", ("*",), (_CHANGED, _STANDS, _BROKEN)),
    # What a container says that it is, is signed by nobody.
    ("container type", ("*",), (_WHOLE, _STANDS, _STANDS)),
    ("byte range", ("*",), (_CHANGED, _STANDS, _BROKEN)),
)
"""What is said of a signature with validation data in it that is damaged in a part; the first that fits."""


def expected(form: str, part: str) -> Verdicts:
    """What is to be said of a form that is damaged in a part."""
    found = next(
        verdicts
        for one, forms, verdicts in EXPECTED
        if one == part and any(fnmatchcase(form, pattern) for pattern in forms)
    )
    return found[:1] if form == "jades-compact" else found

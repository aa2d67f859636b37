"""From octets to evidence: tells by its content what a file is, and calls the reader of that format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.collector import Collector
from trustworks.formats.data import apart
from trustworks.formats.evidence_record import Archived, read_evidence_record
from trustworks.formats.limits import DEFAULT, Limits, not_read
from trustworks.formats.uncovered import uncovered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.pki.building import TrustAnchors
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence

    Reader = Callable[..., None]

_HEAD: Final = 4096
"""Octets in which the beginning of a format is looked for."""
_STEPS_OF_PAIR: Final = 100
"""What it takes to see whether a signature is of a certificate, in steps of `Limits.work`."""
_COMPACT: Final = re.compile(rb"(?:e[w-z0-9_-]|[CDI][A-Za-z0-9_-])[A-Za-z0-9_-]*(?:\.|\Z)")
"""A JWS in compact serialization: base64url of an object of JSON, or of white space before one."""
_MAIL: Final = re.compile(
    rb"(?:[!-9;-~]+:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)*?"
    rb"Content-Type:[ \t]*(?:multipart/signed|application/(?:x-)?pkcs7-)",
    re.IGNORECASE,
)
"""Headers of an e-mail of which one says that it is S/MIME (RFC 8551, 3.5)."""
_SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
"""The object identifier that CMS signed data begin with (RFC 5652, 5)."""


_XML_RECORD: Final = re.compile(
    rb"(?:<\?(?:[^?]|\?(?!>))*+\?>|<!--(?:[^-]|-(?!->))*+-->|\s)*+<(?:[A-Za-z_][\w.-]*:)?EvidenceRecord[\s>]"
)
_DER_RECORD: Final = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x02\x01.\x30", re.DOTALL)
"""An EvidenceRecord begins with a version and a SEQUENCE, CMS with an OID or with a version and a SET."""


def kind_of(data: Data) -> str:
    """``pdf`` ``zip`` ``xml`` ``json`` ``cms`` ``record``: what a file is by its octets, never by its name.

    Raises:
        Malformed: none of them.
    """
    head = next(data.portions(), b"")[:_HEAD]
    if not head:
        raise Malformed("The file is empty. Ask for it again, or look whether it was written to its end.")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    # What begins as its format asks goes before PDF, which may begin later: the others may hold one.
    kinds = {
        "zip": head.startswith(b"PK\x03\x04"),
        "cms": head.startswith(b"0") and _SIGNED_DATA in head[:32],
        "record": _XML_RECORD.match(text) or _DER_RECORD.match(head),
        "xml": text.startswith(b"<") or head[:2] in {b"\xff\xfe", b"\xfe\xff"},
        "json": text.startswith(b"{") or _COMPACT.match(text),
        "pdf": b"%PDF-" in head[:1024],
    }
    for kind, found in kinds.items():
        if found:
            return kind
    if _MAIL.match(head):
        raise Malformed(
            "This is an e-mail (S/MIME), which is not read as a whole. Save its signature (.p7s or .p7m) "
            "as a file of its own and give that; with a .p7s, give the signed part of the message beside it."
        )
    if head.startswith((b"0", b"-----BEGIN", b"MI")):
        return "cms"
    raise Malformed(
        "This is no signed file of a format that is known here: it begins neither as PDF, XML, JSON, a ZIP "
        "container nor CMS. Give the signed file, and its detached data beside it."
    )


def read(
    data: Data,
    *,
    detached: Sequence[Data] = (),
    records: Sequence[Data] = (),
    limits: Limits = DEFAULT,
    pool: bool = False,
    anchors: TrustAnchors | None = None,
) -> Evidence:
    """The evidence in a signed file. `detached` is the data that it signs and does not hold.

    Of several digests that were given for one of them, only those count that something in the file is over.
    `records` are evidence records about the file or the detached data, which came in files of their own.
    `pool`: the detached data is that of many files, so that none has to be over all of it.
    `anchors` are trusted: the status of no certificate above them is needed for level LT.

    Raises:
        Malformed: it is not of a known format, or beyond the limits.
    """
    collector = Collector(anchors)
    return read_into(collector, data, detached=detached, records=records, limits=limits, pool=pool)


def read_into(
    collector: Collector,
    data: Data,
    *,
    detached: Sequence[Data] = (),
    records: Sequence[Data] = (),
    limits: Limits = DEFAULT,
    pool: bool = False,
) -> Evidence:
    """As `read`, with an empty collector of the caller's, which knows places (`Collector.places`) after."""
    try:
        return _read(data, detached, records, collector, limits, pool=pool)
    except BeyondLimit as error:
        raise not_read(error, limits) from error


def _read(
    data: Data,
    detached: Sequence[Data],
    records: Sequence[Data],
    collector: Collector,
    limits: Limits,
    *,
    pool: bool,
) -> Evidence:
    kind, given = kind_of(data), apart(detached)
    if kind == "record":
        _record(data, collector, _archived(given, collector), limits)
    else:
        _reader(kind)(data, collector, detached=given, limits=limits)
    for record in records:
        whole = Archived(data=data, name=data.name, covers=_everything(collector))
        _record(record, collector, [whole, *_archived(given, collector)], limits)
    for finding in uncovered(collector, () if pool else detached):
        collector.finding(finding)
    found = collector.evidence()
    _check_pairs(found, limits)
    return found


def _check_pairs(found: Evidence, limits: Limits) -> None:
    """Whose a signature is, is looked for among all certificates of the file."""
    signed = len(found.signatures) + len(found.time_stamps)
    if _STEPS_OF_PAIR * signed * len(found.certificates) > limits.work:
        raise BeyondLimit(
            f"The file has {signed} signatures and time-stamps, and {len(found.certificates)} certificates: "
            "more than are compared with each other.",
            "work",
        )


def _reader(kind: str) -> Reader:
    """The reader of a format. Each brings libraries that the others do not need: loaded when first used."""
    match kind:
        case "pdf":
            from trustworks.formats.pades import read as reader  # noqa: PLC0415
        case "zip":
            from trustworks.formats.asic import read as reader  # noqa: PLC0415
        case "xml":
            from trustworks.formats.xades import read as reader  # noqa: PLC0415
        case "json":
            from trustworks.formats.jades import read as reader  # noqa: PLC0415
        case _:
            from trustworks.formats.cades import read as reader  # noqa: PLC0415
    return reader


def _record(record: Data, collector: Collector, over: Sequence[Archived], limits: Limits) -> None:
    if record.size > limits.parsed:
        raise BeyondLimit(
            f"{record.name or 'The evidence record'} has more than the {limits.parsed} octets that are read.",
            "parsed",
        )
    read_evidence_record(record.octets(), collector, over=over, limits=limits, file=record.name)


def _archived(detached: Sequence[Data], collector: Collector) -> list[Archived]:
    return [Archived(data=one, name=one.name, covers=frozenset({collector.data(one)})) for one in detached]


def _everything(collector: Collector) -> frozenset[str]:
    """The ids of all that a file holds: what is proven to exist when the file is."""
    found = collector.evidence()
    listed = (found.signatures, found.time_stamps, found.evidence_records)
    objects = {one.id for several in listed for one in several}
    return frozenset(objects.union(found.data, found.certificates, found.revocation))

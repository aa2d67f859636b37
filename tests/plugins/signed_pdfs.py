"""PDF files made octet by octet and signed with keys in memory, right and wrong."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

from foreign_tokens import ForeignAuthority, attribute, reference, signed, tst_info

from trustworks.core.der import cms
from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, context, oid, tlv

DATA_TYPE: Final = "1.2.840.113549.1.7.1"
SIGNATURE_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
ROOM: Final = 4096
"""Octets that Contents has place for."""
AUTHORITY: Final = ForeignAuthority()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream of these octets."""
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(content), content)


PAGE: Final = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Annots 9 0 R >>"
OBJECTS: Final = {
    1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R >>",
    2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    3: PAGE,
    4: stream(b"BT /F1 12 Tf 20 100 Td (You owe nothing.) Tj ET"),
    5: b"<< /Fields [6 0 R] /SigFlags 3 >>",
    6: b"<< /FT /Tx /T (amount) /V (10) /Type /Annot /Subtype /Widget /Rect [10 10 50 20] /P 3 0 R >>",
    9: b"[6 0 R]",
}


@dataclass
class Pdf:
    """A PDF that grows by updates. `octets` are the file so far, `objects` what it holds."""

    octets: bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    objects: dict[int, bytes] = field(default_factory=dict)
    start: int | None = None
    as_stream: bool = False
    root: int = 1
    trailer: bytes = b""

    def update(self, objects: dict[int, bytes]) -> Pdf:
        """The file with one more revision, which has these objects."""
        octets = self.octets
        places = {}
        for number, body in objects.items():
            places[number] = len(octets)
            octets += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        held = self.objects | objects
        size = max(held) + 2
        start = len(octets)
        write = _section_stream if self.as_stream else _section_table
        octets += write(places, size, self.root, self.start, self.trailer, start)
        octets += b"startxref\n%d\n%%%%EOF\n" % start
        return Pdf(octets, held, start, self.as_stream, self.root, self.trailer)

    def signed_with(
        self,
        name: str = "Signature1",
        *,
        numbers: tuple[int, int] = (20, 21),
        entries: bytes = b"/M (D:20260504030201Z)",
        sub_filter: bytes = b"ETSI.CAdES.detached",
        kind: bytes = b"/Type /Sig",
        others: dict[int, bytes] | None = None,
        field_entries: bytes = b"",
        contents: Any = None,
        form: bytes = b"",
    ) -> Pdf:
        """The file with one more revision that signs it; `contents` makes the CMS of the signed octets."""
        field_number, value = numbers
        fields = re.search(rb"/Fields \[([^\]]*)\]", self.objects[5])
        assert fields is not None
        objects = {
            5: b"<< /Fields [%b %d 0 R] /SigFlags 3 %b>>" % (fields[1], field_number, form),
            9: self.objects[9][:-1] + b" %d 0 R]" % field_number,
            field_number: b"<< /FT /Sig /T (%b) /V %d 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0]"
            b" /P 3 0 R /F 132 %b>>" % (name.encode(), value, field_entries),
            value: b"<< %b /Filter /Adobe.PPKLite /SubFilter /%b /ByteRange [0 %s] /Contents <%b> %b >>"
            % (kind, sub_filter, b"*" * 32, b"0" * 2 * ROOM, entries),
            **(others or {}),
        }
        after = self.update(objects)
        gap = after.octets.rindex(b"/Contents <" + b"0" * 2 * ROOM) + len(b"/Contents ")
        end = gap + 2 * ROOM + 2
        numbers_ = b"%d %d %d" % (gap, end, len(after.octets) - end)
        octets = after.octets.replace(b"*" * 32, numbers_.ljust(32), 1)
        covered = octets[:gap] + octets[end:]
        made = (contents or cades)(covered)
        octets = octets[: gap + 1] + made.hex().encode().ljust(2 * ROOM, b"0") + octets[end - 1 :]
        objects[value] = b"<< >>"
        return Pdf(octets, self.objects | objects, after.start, self.as_stream, self.root, self.trailer)

    def time_stamped(
        self, name: str = "Stamp", numbers: tuple[int, int] = (30, 31), kind: bytes = b"/Type /DocTimeStamp"
    ) -> Pdf:
        """The file with one more revision: a document time-stamp."""
        return self.signed_with(
            name,
            numbers=numbers,
            sub_filter=b"ETSI.RFC3161",
            kind=kind,
            entries=b"",
            contents=token,
        )

    def stored(
        self, certificates: list[bytes], lists: tuple[bytes, ...] = (), *, first: int = 40, **more: bytes
    ) -> Pdf:
        """The file with one more revision: a document security store."""
        streams = {number: stream(one) for number, one in enumerate((*certificates, *lists), first + 1)}
        numbers = list(streams)
        references = [
            b" ".join(b"%d 0 R" % one for one in part)
            for part in (numbers[: len(certificates)], numbers[len(certificates) :])
        ]
        store = b"<< /Type /DSS /Certs [%b] /CRLs [%b] %b>>" % (*references, more.get("entries", b""))
        catalogue = re.sub(rb" /DSS \d+ 0 R", b"", self.objects[1])
        return self.update({1: catalogue[:-2] + b"/DSS %d 0 R >>" % first, first: store, **streams})


def _section_table(
    places: dict[int, int], size: int, root: int, before: int | None, trailer: bytes, start: int
) -> bytes:
    del start
    lines = b"".join(b"%d 1\n%010d 00000 n \n" % place for place in sorted(places.items()))
    first = b"0 1\n0000000000 65535 f \n" if before is None else b""
    previous = b"" if before is None else b" /Prev %d" % before
    return b"xref\n%b%btrailer\n<< /Size %d /Root %d 0 R%b %b>>\n" % (
        first,
        lines,
        size,
        root,
        previous,
        trailer,
    )


def _section_stream(
    places: dict[int, int], size: int, root: int, before: int | None, trailer: bytes, start: int
) -> bytes:
    number = size - 1
    places = {**places, number: start}
    rows = b"".join(b"\x01" + at.to_bytes(4, "big") + b"\0" for _, at in sorted(places.items()))
    index = b" ".join(b"%d 1" % one for one in sorted(places))
    packed = zlib.compress(rows)
    previous = b"" if before is None else b" /Prev %d" % before
    return (
        b"%d 0 obj\n<< /Type /XRef /W [1 4 1] /Index [%b] /Size %d /Root %d 0 R%b %b /Filter /FlateDecode"
        b" /Length %d >>\nstream\n%b\nendstream\nendobj\n"
        % (number, index, size, root, previous, trailer, len(packed), packed)
    )


def document(**given: Any) -> Pdf:
    """A document of one page with one text field."""
    return Pdf(**given).update(dict(OBJECTS))


def attributes(covered: bytes, *more: bytes, authority: ForeignAuthority = AUTHORITY) -> list[bytes]:
    """The signed attributes of PAdES-BASELINE-B, and more."""
    return sorted(
        [
            attribute(cms.CONTENT_TYPE, oid(DATA_TYPE)),
            attribute(cms.MESSAGE_DIGEST, tlv(OCTET_STRING, hashlib.sha256(covered).digest())),
            reference(authority.certificate),
            *more,
        ]
    )


def cades(
    covered: bytes,
    *,
    authority: ForeignAuthority = AUTHORITY,
    signed_attributes: list[bytes] | None = None,
    unsigned: Any = None,
    content: bytes | None = None,
    certificates: list[bytes] | None = None,
    signers: int = 1,
    **given: Any,
) -> bytes:
    """CMS over octets; `unsigned` makes unsigned attributes of the signature's value."""
    made = attributes(covered, authority=authority) if signed_attributes is None else signed_attributes
    signer = authority.signer(covered, attributes=made, **given)
    if unsigned is not None:
        inner = signer[signer.rindex(b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02") + 12 :]
        value = inner[2:]
        body = _content(signer)
        signer = tlv(SEQUENCE, body, context(1, *unsigned(value)))
    whole = signed(
        covered,
        [signer] * signers,
        certificates=[authority.certificate, authority.ca] if certificates is None else certificates,
    )
    inside = tlv(SEQUENCE, oid("1.2.840.113549.1.9.16.1.4"), context(0, tlv(OCTET_STRING, covered)))
    detached = tlv(
        SEQUENCE, oid(DATA_TYPE), *([] if content is None else [context(0, tlv(OCTET_STRING, content))])
    )
    parts = _content(_content(_content(whole)[11:])).replace(inside, detached)
    return tlv(SEQUENCE, oid(cms.SIGNED_DATA), context(0, tlv(SEQUENCE, parts)))


def stamped(covered: bytes) -> bytes:
    """CMS with a signature time-stamp."""
    return cades(covered, unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, token(value))])


def token(covered: bytes) -> bytes:
    """A time-stamp token over octets."""
    imprint = tlv(SEQUENCE, hash_identifier("sha256"), tlv(OCTET_STRING, hashlib.sha256(covered).digest()))
    return AUTHORITY.token(tst_info(imprint=imprint))


def _content(element: bytes) -> bytes:
    """The content octets of an element."""
    first = element[1]
    return element[2:] if first < 0x80 else element[2 + (first & 0x7F) :]

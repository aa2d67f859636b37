"""What a file is by its octets, also where it holds another."""

from __future__ import annotations

import pytest
from asic_vectors import Maker, container

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets
from trustworks.formats.read import kind_of

PDF = b"%PDF-1.7\n"


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (PDF, "pdf"),
        (b"\n junk " + PDF, "pdf"),
        (container({"a.pdf": PDF}, None, packed=False), "zip"),
        (Maker().cades(PDF), "cms"),
        (bytes.fromhex("30820000 06092a864886f70d010702") + PDF, "cms"),
        (b"-----BEGIN CMS-----", "cms"),
        (b"MIIB", "cms"),
        (b"\x30\x80\x02\x01\x01", "cms"),
        (b'<?xml version="1.0"?><x>%PDF-</x>', "xml"),
        (b"\xef\xbb\xbf <x/>", "xml"),
        (b'{"payload": "%PDF-"}', "json"),
        (b"eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "json"),
        (b"ewogImFsZyI6IDF9.e30.AAAA", "json"),
        (b"CnsiYWxnIjoxfQ.e30.AAAA", "json"),
    ],
)
def test_a_file_is_what_it_begins_as(octets: bytes, kind: str) -> None:
    assert kind_of(Octets(octets)) == kind


@pytest.mark.parametrize("octets", [b"", b"hello", b"GIF89a", b"eyes only."])
def test_what_is_none_of_them_is_refused(octets: bytes) -> None:
    with pytest.raises(Malformed, match="Give the signed file"):
        kind_of(Octets(octets))

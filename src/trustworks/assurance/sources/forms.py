"""Finds out which form a document has, by what is in it, and reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import SourceKind
from trustworks.assurance.sources import (
    cc_portal,
    cmvp_list,
    cmvp_page,
    cmvp_record,
    csv_rows,
    eucc,
    html_page,
    json_values,
    qscd_list,
    trusted_list,
)
from trustworks.assurance.sources.imported import DEFAULT, Download, Imported, Limits, Reading
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: Final[dict[SourceKind, Callable[[bytes, Download, Limits], Imported]]] = {
    SourceKind.CMVP_LIST: cmvp_list.read,
    SourceKind.CMVP_PAGE: cmvp_page.read,
    SourceKind.CMVP_RECORD: cmvp_record.read,
    SourceKind.CC_PORTAL: cc_portal.read,
    SourceKind.EUCC: eucc.read,
    SourceKind.QSCD_LIST: qscd_list.read,
    SourceKind.TRUSTED_LIST: trusted_list.read,
}
_FORMS: Final = (
    "What is read: CMVP lists, pages and records, CSV files of the Common Criteria Portal, EUCC pages and "
    "metadata, lists of notified devices (QSCD), and trusted lists."
)
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|div)[\s>]", re.IGNORECASE)
_HEAD: Final = 65_536


def read_any(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """What a document says, whichever form it has; `Imported.kind` tells it. Raises `Malformed`."""
    start = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        start = start.replace(b"\0", b"")[2:].lstrip()
    name = download.name
    if not start:
        raise Malformed(f"{name} is empty. Download it again.")
    if start.startswith((b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Malformed(f"{name} is a PDF, a spreadsheet or an archive, which is not read. {_FORMS}")
    if start[:1] in {b"{", b"["}:
        return _json(data, download, limits)
    if trusted_list.is_list(start):
        return trusted_list.read(data, download, limits)
    if start[:1] == b"<" or _HTML.search(start[:2048]):
        return _page(data, download, limits)
    lines = csv_rows.lines_of(data[:_HEAD], name, limits)
    _, names, _ = csv_rows.head_of(lines, name, limits)
    if cc_portal.is_head(names):
        return cc_portal.read(data, download, limits)
    if qscd_list.is_head(names):
        return qscd_list.read(data, download, limits)
    raise Malformed(f"{name} has none of the forms that are known here. {_FORMS}")


def _json(data: bytes, download: Download, limits: Limits) -> Imported:
    # The size is looked at by whoever reads; here, before the parser spends memory on it.
    Reading(kind=SourceKind.CMVP_RECORD, data=data, download=download, limits=limits)
    document = json_values.parse(data, download.name, limits)
    several = document if isinstance(document, list) else [document]
    if any(qscd_list.is_record(one) for one in several):
        kind, reader = SourceKind.QSCD_LIST, qscd_list.read_records
    elif any(eucc.is_record(one) for one in several):
        kind, reader = SourceKind.EUCC, eucc.read_records
    elif cmvp_record.records_of(document) is not None:
        kind, reader = SourceKind.CMVP_RECORD, cmvp_record.read_records
    else:
        raise Malformed(f"{download.name} is JSON of none of the forms that are known here. {_FORMS}")
    return reader(document, Reading(kind=kind, data=data, download=download, limits=limits))


def _page(data: bytes, download: Download, limits: Limits) -> Imported:
    Reading(kind=SourceKind.CMVP_PAGE, data=data, download=download, limits=limits)
    root = html_page.parse(data, download.name, limits)
    if cmvp_list.table_of(root) is not None:
        kind, reader = SourceKind.CMVP_LIST, cmvp_list.read_page
    elif cmvp_page.is_page(root):
        kind, reader = SourceKind.CMVP_PAGE, cmvp_page.read_page
    elif eucc.is_page(root):
        kind, reader = SourceKind.EUCC, eucc.read_page
    else:
        raise Malformed(f"{download.name} is a page of none of the forms that are known here. {_FORMS}")
    return reader(root, Reading(kind=kind, data=data, download=download, limits=limits))

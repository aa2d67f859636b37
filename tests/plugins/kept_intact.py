"""What of a signed file has to stay when something is added to it."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from trustworks.formats.cms.structure import read_signed_data

if TYPE_CHECKING:
    from typing import Any

    from trustworks.formats.evidence import Evidence


def intact(found: Evidence) -> set[tuple[Any, ...]]:
    """All that is intact in a file; time-stamps by what they are over, for their tokens may get more."""
    signatures = {
        (one.id, number, part.expected)
        for one in found.signatures
        for number, part in enumerate(one.references)
        if part.intact
    }
    stamps = {
        (one.serial, one.time, one.references[0].expected)
        for one in found.time_stamps
        if all(part.intact for part in one.references)
    }
    records = {(one.id,) for one in found.evidence_records if all(part.intact for part in one.references)}
    return signatures | stamps | records


def kept(before: bytes, after: bytes, signature_file: str | None) -> bool:
    """Whether what the format demands to stay as it is, octet for octet, is so."""
    if before.startswith(b"PK"):
        return all(
            one == other or name == signature_file or "ArchiveManifest" in name or name.endswith(".tst")
            for name, one in members(before).items()
            for other in [members(after).get(name)]
        )
    if before[:1] == b"0":
        was, is_ = read_signed_data(before), read_signed_data(after)
        # BER stays BER: what had no length has none.
        return (was.content_info.end == was.content_info.after) == (
            is_.content_info.end == is_.content_info.after
        ) and [one.signature.octets for one in was.signers] == [one.signature.octets for one in is_.signers]
    return b"%PDF-" not in before[:1024] or after.startswith(before)


def members(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        return {one.filename: archive.read(one) for one in archive.infolist()}

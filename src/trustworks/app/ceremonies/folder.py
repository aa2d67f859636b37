"""A ceremony's folder: all that is needed to verify it, wherever it is taken.

| file | what it is |
|---|---|
| `plan.json` | the plan, in the form whose SHA-256 was approved: `sha256sum plan.json` |
| `transcript.json` | the transcript, with approvals, seal, time-stamp and signatures |
| `transcript.html` | the same, to be read and printed |
| `signer.pem` | the certificate of the key that sealed it |
| `trust.pem` | the trust anchors of the time-stamp |
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from trustworks.core.ceremony.transcript import as_document, load
from trustworks.core.durable import put, read_at_most
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.ceremony.transcript import Transcript
    from trustworks.core.ceremony.verify import Verdict

LARGEST: Final = 50_000_000  # octets of a transcript's file
PLAN: Final = "plan.json"
TRANSCRIPT: Final = "transcript.json"
PAGE: Final = "transcript.html"
SIGNER: Final = "signer.pem"
TRUST: Final = "trust.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was read of a transcript's file or folder; None: there is no such file."""

    transcript: Transcript
    plan: bytes | None = None
    signer: Path | None = None
    trust: Path | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader must know of certificates that came with the transcript itself."""
        return tuple(
            f"{file.name} came with the transcript (SHA-256 {sha256(file.read_bytes()).hexdigest()}): "
            "compare it with what the provider gives out elsewhere."
            for file in (self.signer, self.trust)
            if file is not None
        )


def read(place: Path) -> Kept:
    """The transcript in a file, or in a folder with what lies beside it. Raises `Malformed`."""
    if not place.is_dir():
        return Kept(transcript=load(_octets(place)))
    beside = {name: place / name for name in (SIGNER, TRUST) if (place / name).is_file()}
    return Kept(
        transcript=load(_octets(place / TRANSCRIPT)),
        plan=_octets(place / PLAN) if (place / PLAN).is_file() else None,
        signer=beside.get(SIGNER),
        trust=beside.get(TRUST),
    )


def _octets(file: Path) -> bytes:
    try:
        content = read_at_most(file, LARGEST)
    except OSError as error:
        raise Malformed(f"The transcript {file} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise Malformed(f"{file} is no transcript: it is longer than {LARGEST:,} octets.")
    return content


def write(
    found: Transcript, verdict: Verdict, folder: Path, *, signer: bytes | None, trust: bytes | None
) -> None:
    """Write a ceremony's folder, over what is in it. Raises `Unavailable` (output.unwritable)."""
    from trustworks.core.ceremony.rendering import as_html  # noqa: PLC0415 - loads Jinja2

    content = {
        PLAN: found.plan.canonical,
        TRANSCRIPT: (json.dumps(as_document(found), indent=2) + "\n").encode(),
        PAGE: as_html(found, verdict).encode(),
        SIGNER: signer,
        TRUST: trust,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, octets in content.items():
            if octets is not None:
                put(folder / name, octets)
    except OSError as error:
        raise Unavailable(
            "output.unwritable", f"{folder} cannot be written: {error.strerror}. Name another folder."
        ) from None

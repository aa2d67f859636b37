"""Files of the audit log's commands: certificates, checkpoints and proofs read, new files written."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import typer

from trustworks.core.errors import Malformed
from trustworks.core.output import write_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from cryptography.x509 import Certificate

    from trustworks.core.audit.checkpoint import Checkpoint


def certificates_in(file: Path) -> list[Certificate]:
    """The certificates in a PEM file, at least one. Raises `Malformed`."""
    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415

    return list(readable_pem_file(file))


def signer_in(file: Path) -> str:
    """The SHA-256 of the first public key in a PEM file, by which checkpoints name their signer."""
    from trustworks.app.certificates import spki  # noqa: PLC0415

    # The first is the signer; others of a chain signed it, and sign no checkpoints.
    return sha256(spki(certificates_in(file)[0].public_key())).hexdigest()


def token_check(trust: list[Path] | None) -> Callable[[bytes, bytes], datetime]:
    """How time-stamp tokens are verified: up to these anchors; without any, by their imprint alone."""
    from trustworks.core.audit.tokens import stamped_time  # noqa: PLC0415

    if not trust:
        return stamped_time
    from trustworks.timestamping.verify import verify as verify_token  # noqa: PLC0415

    anchors = [one for file in trust for one in certificates_in(file)]

    def check(token: bytes, imprint: bytes) -> datetime:
        return verify_token(
            token, lambda name: imprint if name == "sha256" else b"", anchors=anchors
        ).gen_time

    return check


def checkpoint_in(file: Path) -> Checkpoint:
    """The checkpoint that `audit checkpoint` wrote."""
    from trustworks.core.audit.checkpoint import from_document  # noqa: PLC0415

    return from_document(document_in(file))


def document_in(file: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    from trustworks.core.audit.reading import loads  # noqa: PLC0415 - loads the audit log

    text = _read(file)
    try:
        document = loads(text)
    except Malformed as error:
        raise Malformed(f"{file} is not JSON; name a checkpoint or a proof.") from error
    if not isinstance(document, dict):
        raise Malformed(f"{file} is no document of the audit log; name a checkpoint or a proof.")
    return document


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error


def hand_out(document: dict[str, Any], output: Path | None) -> None:
    """Write a document to a new file, or print it."""
    text = json.dumps(document, indent=2)
    if output is None:
        typer.echo(text)
        return
    write_output(output, [text.encode() + b"\n"])
    typer.echo(f"{output} is written.")

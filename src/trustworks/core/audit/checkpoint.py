"""Checkpoints: the size and root of the Merkle tree at a moment, signed in the module and time-stamped.

A checkpoint that somebody else keeps shows later whether the log was cut or rewritten.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustworks.core.audit.canonical import canonical
from trustworks.core.audit.model import time_text
from trustworks.core.audit.reading import loads, whole_number
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Malformed
from trustworks.core.module.algorithms import SignatureScheme, check_signature
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping


KIND = "audit.checkpoint"


class SigningKey(Protocol):
    """What signs checkpoints: `core.module.Key`."""

    @property
    def spki(self) -> bytes:
        """The public key as SubjectPublicKeyInfo."""

    @property
    def scheme(self) -> SignatureScheme:
        """How `sign` signs."""

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed tree head.

    `log` is the hash of the log's first leaf, which names it; `body` the canonical JSON that is signed;
    `certificate` the signer's (DER); `time_stamp` a token over SHA-256 of body and signature.
    """

    size: int
    root: bytes
    log: bytes
    time: str
    scheme: str
    body: bytes
    signature: bytes
    spki: bytes
    certificate: bytes | None = None
    time_stamp: bytes | None = None

    @property
    def moment(self) -> datetime:
        """`time`, as a moment."""
        return datetime.fromisoformat(self.time)

    @property
    def key(self) -> str:
        """SHA-256 of the signer's public key, in hexadecimal."""
        return sha256(self.spki).hexdigest()

    @property
    def imprint(self) -> bytes:
        """What the time-stamp is about."""
        return sha256(self.body + self.signature).digest()


def make_body(*, size: int, root: bytes, log: bytes, time: datetime, key: SigningKey) -> bytes:
    """The canonical JSON of a checkpoint, to be signed."""
    return canonical(
        {
            "key": sha256(key.spki).hexdigest(),
            "log": log.hex(),
            "root": root.hex(),
            "scheme": key.scheme.name,
            "size": size,
            "time": time_text(time),
            "type": KIND,
            "version": 1,
        }
    )


def read(
    body: bytes,
    signature: bytes,
    spki: bytes,
    certificate: bytes | None = None,
    time_stamp: bytes | None = None,
) -> Checkpoint:
    """A checkpoint out of its stored parts. Raises `Malformed`; verifies nothing."""
    try:
        checkpoint = Checkpoint(
            **_values(loads(body)),
            body=body,
            signature=signature,
            spki=spki,
            certificate=certificate,
            time_stamp=time_stamp,
        )
        has_zone = checkpoint.moment.tzinfo is not None
    except KeyError as error:
        raise Malformed(f"The checkpoint cannot be read: it has no {error}.") from error
    except (Malformed, ValueError, TypeError) as error:
        raise Malformed(f"The checkpoint cannot be read: {str(error).rstrip('.')}.") from error
    if not has_zone or len(checkpoint.root) != 32 or len(checkpoint.log) != 32:
        raise Malformed("The checkpoint cannot be read: its time has no zone, or a hash is no SHA-256.")
    return checkpoint


def _values(value: Any) -> dict[str, Any]:
    """What a body says. Raises `Malformed`, KeyError, TypeError, ValueError."""
    if not isinstance(value, dict) or (value["type"], value["version"]) != (KIND, 1):
        raise Malformed("it is none, or one of a version that is not known")
    return {
        "size": whole_number(value["size"], "size"),
        "root": bytes.fromhex(value["root"]),
        "log": bytes.fromhex(value["log"]),
        "time": value["time"],
        "scheme": str(value["scheme"]),
    }


@implements("TRUSTWORKS:AUDIT-16", disabled=True)
def certificate_is_the_signers(checkpoint: Checkpoint) -> bool:
    """Whether the certificate beside the checkpoint, if any, is of the key that signed it."""
    return checkpoint.certificate is None or certifies(checkpoint.certificate, checkpoint.spki)


@lru_cache(maxsize=8)  # nearly all checkpoints of a log have the same one
def certifies(certificate: bytes, spki: bytes) -> bool:
    """Whether the certificate (DER) is one, and of this public key."""
    try:
        return public_key_info(certificate) == spki
    except Malformed:
        return False


@implements("TRUSTWORKS:AUDIT-05", disabled=True)
def signature_is_valid(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint is signed by the key that it names (not: whether that key is the right one)."""
    try:
        if loads(checkpoint.body)["key"] != checkpoint.key:
            return False
        check_signature(
            load_der_public_key(checkpoint.spki), checkpoint.scheme, checkpoint.signature, checkpoint.body
        )
    except (InvalidSignature, UnsupportedAlgorithm, Malformed, ValueError, KeyError, TypeError):
        return False
    return True


# ---- as a document


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def as_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """The checkpoint as a JSON document that can be kept elsewhere."""
    return {
        "checkpoint": json.loads(checkpoint.body),
        "signature": _text(checkpoint.signature),
        "public_key": _text(checkpoint.spki),
        "certificate": _text(checkpoint.certificate),
        "time_stamp": _text(checkpoint.time_stamp),
    }


def from_document(document: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint of a JSON document. Raises `Malformed`."""
    try:
        parts = {name: document.get(name) for name in ("certificate", "time_stamp")}
        return read(
            canonical(document["checkpoint"]),
            base64.b64decode(document["signature"], validate=True),
            base64.b64decode(document["public_key"], validate=True),
            **{name: None if v is None else base64.b64decode(v, validate=True) for name, v in parts.items()},
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError, binascii.Error) as error:
        raise Malformed(f"This is no checkpoint of an audit log: {error!r}.") from error

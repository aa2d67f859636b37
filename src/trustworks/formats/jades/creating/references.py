"""References to validation data in etsiU, of the older, extended forms (TS 119 182-1, annex A.1).

Time-stamps over them (sigRTst, rfsTst) are added as all are, by `unsigned.with_time_stamp`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.ocsp_answer import OcspAnswer
from trustworks.core.pki.revocation_list import RevocationList
from trustworks.formats.data import Octets
from trustworks.formats.jades.base64url import encode
from trustworks.formats.jades.creating.headers import hash_named, standard
from trustworks.formats.jades.creating.unsigned import with_components

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.ports import ValidationData
    from trustworks.formats.jades.creating.unsigned import Target


def with_references(target: Target, data: ValidationData, *, hash_name: str = "sha256") -> bytes:
    """The file with references to certificates (xRefs), but the signer's own, and to status data (rRefs).

    Raises:
        Malformed: it is no JWS, or some of the data cannot be read.
        Rejected: ``jades.place``, ``jades.components``, ``jades.hash``; ``jades.values``: nothing is given.
    """
    if not data:
        raise Rejected("jades.values", "No validation data is given that could be referred to.")
    said: dict[str, Any] = {}
    if data.certificates:
        said["xRefs"] = [_digest(one, hash_name) for one in data.certificates]
    status: dict[str, Any] = {}
    if data.lists:
        status["crlRefs"] = [_digest(one, hash_name) | {"crlId": _list(one)} for one in data.lists]
    if data.answers:
        status["ocspRefs"] = [_digest(one, hash_name) | {"ocspId": _answer(one)} for one in data.answers]
    if status:
        said["rRefs"] = status
    return with_components(target, said)


def _digest(der: bytes, hash_name: str) -> dict[str, Any]:
    named = hash_named(hash_name)
    return {"digAlg": named, "digVal": encode(Octets(der).digest(hash_name)).decode()}


def _list(der: bytes) -> dict[str, Any]:
    """A crlId (A.1.2)."""
    read = RevocationList.read(der)
    number = {} if read.number is None else {"number": read.number}
    return {"issuer": standard(read.issuer.der), "issueTime": _time(read.this_update), **number}


def _answer(der: bytes) -> dict[str, Any]:
    """An ocspId (A.1.2)."""
    read = OcspAnswer.read(der)
    if read.produced_at is None:
        raise Malformed("An OCSP answer that is not successful says nothing that can be referred to.")
    if read.responder_name is not None:
        responder = {"byName": standard(read.responder_name.der)}
    else:
        responder = {"byKey": standard(read.responder_key_hash or b"")}
    return {"responderId": responder, "producedAt": _time(read.produced_at)}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

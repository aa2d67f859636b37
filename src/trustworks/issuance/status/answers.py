"""An OCSP answer from what is known of certificates: its octets, signed, and held against every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.ocsp import (
    EXTENDED_REVOKE_EXTENSION,
    BasicResponse,
    encode_status,
    invalidity_date_extension,
    nonce_extension,
)
from trustworks.core.der.ocsp_reading import decode_response
from trustworks.issuance.rules.revocation import date_told, invalidity_date_told
from trustworks.issuance.status import ocsp_rules as rules
from trustworks.issuance.status.template import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from trustworks.core.der.ocsp import CertId, OcspRequest
    from trustworks.issuance.model import CertificateStatus
    from trustworks.issuance.status.kept import Known
    from trustworks.issuance.status.signer import OcspSigner

_UNKNOWN: Final = encode_status("unknown", None, None)
_GOOD: Final = encode_status("good", None, None)
_NEVER_ISSUED: Final = encode_status("revoked", rules.NEVER_ISSUED_SINCE, rules.NEVER_ISSUED_REASON)
_IN_A_WORD: Final = {_GOOD: "good", _UNKNOWN: "unknown"}
SEVERAL: Final = "several"
"""The result of an answer about certificates that do not all have the same status."""


def signed(
    request: OcspRequest,
    signer: OcspSigner,
    found: tuple[Known | None, ...],
    now: datetime,
    *,
    next_update: datetime,
    never_issued: str,
    sign: Callable[[bytes], bytes],
) -> tuple[bytes, str]:
    """The answer to a request, and its result in a word: good, revoked, unknown or `SEVERAL`.

    `found` is what is known of each certificate asked about. `never_issued` is what is said of others'
    serials: revoked (as RFC 6960, 2.2 has it) or unknown.
    """
    pieces = [
        _piece(cert_id, status, signer, now, never_issued)
        for cert_id, status in zip(request.cert_ids, found, strict=True)
    ]
    extensions: list[bytes] = []
    if request.nonce is not None:
        extensions.append(nonce_extension(request.nonce))
    if any(piece.status == _NEVER_ISSUED for piece in pieces):
        extensions.append(EXTENDED_REVOKE_EXTENSION)
    tbs = signer.template.tbs(pieces, produced_at=now, next_update=next_update, extensions=tuple(extensions))
    der = signer.template.response(tbs, sign(tbs))
    _check_output(der, request, signer, found, now)
    return der, _result(pieces)


def _piece(
    cert_id: CertId, known: Known | None, signer: OcspSigner, now: datetime, never_issued: str
) -> Piece:
    if issuer(cert_id) not in signer.identifiers:
        return Piece(cert_id.der, _UNKNOWN, b"")
    found = None if known is None else known.status
    if known is not None and rules.may_be_good(found, signer.authority.name):
        return Piece(cert_id.der, _GOOD, signer.single_extensions(known.cert_hash))
    revocation = found.revocation if found is not None and found.state == "issued" else None
    if known is None or revocation is None:
        never = _NEVER_ISSUED if never_issued == "revoked" else _UNKNOWN
        return Piece(cert_id.der, never, b"")
    reason = revocation.reason.value or None  # unspecified is said by leaving it out
    status = encode_status("revoked", date_told(revocation.revoked_at, now), reason)
    lost = invalidity_date_told(revocation.invalidity_date, now)
    since = b"" if lost is None else invalidity_date_extension(lost)
    return Piece(cert_id.der, status, signer.single_extensions(known.cert_hash, since))


def _result(pieces: Sequence[Piece]) -> str:
    found = {_IN_A_WORD.get(piece.status, "revoked") for piece in pieces}
    return found.pop() if len(found) == 1 else SEVERAL


def statuses(found: Sequence[Known | None]) -> list[CertificateStatus | None]:
    """The statuses of what is known."""
    return [None if known is None else known.status for known in found]


def issuer(cert_id: CertId) -> tuple[str, bytes, bytes]:
    """How a request names its authority."""
    return cert_id.hash_algorithm, cert_id.issuer_name_hash, cert_id.issuer_key_hash


def _check_output(
    der: bytes,
    request: OcspRequest,
    signer: OcspSigner,
    found: tuple[Known | None, ...],
    now: datetime,
) -> None:
    """Read our own answer with the strict decoder and hold every rule against it; a bug if one objects.

    The signature was verified by the key before it came back.
    """
    response = decode_response(der)
    if not isinstance(response, BasicResponse):
        raise TypeError("the responder's own answer is no basic response")
    singles = response.data.responses
    known = statuses(found)
    issued = tuple(status is not None and status.state == "issued" for status in known)
    wrong = [
        *rules.coverage_objections(response, request.cert_ids),
        *rules.nonce_objections(response, request.nonce),
        *rules.time_objections(response, now, signer.until),
        *rules.responder_objections(response, signer.key_hash, signer.certificate),
        *rules.never_issued_objections(singles, issued, response.extension_oids),
        *rules.archive_cutoff_objections(singles, issued, signer.archive_cutoff),
        *rules.cert_hash_objections(singles, [b"" if one is None else one.cert_hash for one in found]),
        *(
            f"good for {status.serial if status else 'a serial never issued'}"
            for single, status in zip(singles, known, strict=True)
            if single.status == "good" and not rules.may_be_good(status, signer.authority.name)
        ),
    ]
    if wrong:
        raise RuntimeError(f"the responder's own answer breaks its rules: {'; '.join(wrong)}")

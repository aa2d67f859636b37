"""What a token says, for people and programs; nothing here is verified."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cryptography.hazmat import asn1

from trustworks.core.der import cms, tsp
from trustworks.core.der.algorithms import read_algorithm, read_hash, read_signature
from trustworks.core.der.qc_statements import read_qc_statements
from trustworks.core.der.x509 import name_in_words, read_name
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificates import SUBJECT, load
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.timestamping.model import TokenView

MEDIA_TYPE = "application/vnd.etsi.timestamp-token"


@implements("EN319422:C-MEDIA-TYPE", disabled=lambda rule, token: rule(token) | {"media_type": ""})
def as_dict(token: TokenView) -> dict[str, Any]:
    """The token as JSON values."""
    info = token.tst_info
    return {
        "media_type": MEDIA_TYPE,
        "serial": f"{info.serial_number:x}",
        "gen_time": _gen_time(info.gen_time.as_datetime()),
        "accuracy_us": None if info.accuracy is None else _microseconds(info.accuracy),
        "ordering": bool(info.ordering),
        "policy": info.policy.dotted_string,
        "imprint_hash": _hash_name(info.message_imprint.hash_algorithm),
        "imprint": info.message_imprint.hashed_message.hex(),
        "nonce": None if info.nonce is None else f"{info.nonce:x}",
        "qualified": _is_qualified(info),
        "extensions": [one.oid.dotted_string for one in info.extensions or ()],
        "tsa": None if info.tsa is None else _tsa(info.tsa),
        "signers": token.signers,
        "digest": _hash_name(token.signer.digest_algorithm),
        "signature_algorithm": _signature_name(token.signer.signature_algorithm),
        "reference": _reference(token),
        "certificates": _subjects(token),
    }


def as_text(found: dict[str, Any]) -> str:
    """The same as lines for a person."""
    accuracy = "not stated" if found["accuracy_us"] is None else f"{found['accuracy_us']} us"
    lines = [
        ("time", found["gen_time"]),
        ("accuracy", accuracy),
        ("serial", found["serial"]),
        ("policy", found["policy"]),
        ("imprint", f"{found['imprint_hash']} {found['imprint']}"),
        ("nonce", found["nonce"] or "none"),
        ("ordering", "promised" if found["ordering"] else "not promised"),
        ("qualified", "it says so" if found["qualified"] else "it does not say so"),
        *(("extension", dotted) for dotted in found["extensions"]),
        *([] if found["tsa"] is None else [("tsa", found["tsa"])]),
        *([] if found["signers"] == 1 else [("signers", f"{found['signers']}, of whom the first is shown")]),
        ("signature", f"{found['signature_algorithm']}, digest {found['digest']}"),
        ("reference", found["reference"]),
    ]
    lines += [("certificate", subject) for subject in found["certificates"]]
    return "\n".join(f"{name:<12}{text}" for name, text in lines)


def _gen_time(moment: datetime) -> str:
    """GenTime with the digits that the token has: DER ends a fraction with its last digit that is not 0."""
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _microseconds(accuracy: tsp.Accuracy) -> int:
    return (accuracy.seconds or 0) * 1_000_000 + (accuracy.millis or 0) * 1_000 + (accuracy.micros or 0)


def _hash_name(algorithm: asn1.TLV) -> str:
    try:
        return read_hash(asn1.encode_der(algorithm)).name
    except (Malformed, Rejected):
        return _identifier(algorithm)


def _signature_name(algorithm: asn1.TLV) -> str:
    try:
        found = read_signature(asn1.encode_der(algorithm))
    except (Malformed, Rejected):
        return _identifier(algorithm)
    return found.padding if found.hash is None else f"{found.padding} {found.hash}"


def _identifier(algorithm: asn1.TLV) -> str:
    """The object identifier of an algorithm that has no name here."""
    try:
        return read_algorithm(asn1.encode_der(algorithm))
    except Malformed:
        return "not readable"


def _tsa(names: list[asn1.TLV]) -> str:
    """The name of the unit that the token states, where it is a directory name."""
    try:
        (general,) = names
        return name_in_words(read_name(bytes(general.data)))
    except (ValueError, Malformed):
        return "not readable"


def _is_qualified(info: tsp.TstInfo) -> bool:
    """Whether the token has the statement of a qualified electronic time stamp (EN 319 422, 9.1)."""
    for one in info.extensions or ():
        if one.oid.dotted_string == tsp.QC_STATEMENTS:
            with suppress(Malformed):
                if tsp.ESI4_QTST_STATEMENT_1 in read_qc_statements(one.value).ids:
                    return True
    return False


def _reference(token: TokenView) -> str:
    kinds = {kind for kind, _ in token.attributes}
    if cms.SIGNING_CERTIFICATE_V2 in kinds:
        return "SigningCertificateV2"
    return "SigningCertificate (SHA-1)" if cms.SIGNING_CERTIFICATE in kinds else "none"


def _subjects(token: TokenView) -> list[str]:
    found = []
    for element in token.info.content.certificates or ():
        try:
            found.append(name_in_words(load(asn1.encode_der(element), SUBJECT).subject))
        except Malformed:
            found.append("not readable")
    return found

"""Explains a verdict: the check that decided, what it is about, and what would change the answer.

The sentences of `ADVICE` say for each sub-indication what would change the answer and how to get that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.printable import printable
from trustworks.validation.model import PoeOrigin, SubIndication
from trustworks.validation.report.words import (
    KINDS,
    Words,
    about_file,
    cautions,
    deciding,
    identified,
    moment,
    nothing_there,
    remarks,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.validation.model import Check, Outcome, Poe, SignatureOutcome, Verdict
    from trustworks.validation.report.judged import Judged

ADVICE: Final[dict[SubIndication, str]] = {
    SubIndication.FORMAT_FAILURE: (
        "Nothing that is added later changes this: the structure is not what the format asks for. Ask the "
        "signer for the file as it was signed; a mail gateway or an editor may have changed it."
    ),
    SubIndication.HASH_FAILURE: (
        "Nothing that is added later changes this: the signed data was changed, or other data was given as "
        "detached. Get the data exactly as it was signed, octet for octet."
    ),
    SubIndication.SIG_CRYPTO_FAILURE: (
        "Nothing that is added later changes this: the value was not made with the key of the signing "
        "certificate. Ask the signer to sign again."
    ),
    SubIndication.REVOKED: (
        "Nothing changes this: it is proven that the signature was made after the certificate was revoked."
    ),
    SubIndication.EXPIRED: (
        "Nothing changes this: it is proven that the signature was made after the certificate expired."
    ),
    SubIndication.NOT_YET_VALID: (
        "Nothing changes this: it is proven that the signature existed before the certificate was valid."
    ),
    SubIndication.SIG_CONSTRAINTS_FAILURE: (
        "The signature's attributes are not what the policy asks for. Validate by another policy, "
        "or have it signed again with those attributes."
    ),
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: (
        "A certificate is not what the policy asks for. Validate by another policy if that is not needed."
    ),
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: (
        "The path to the trust anchor does not hold, or nothing says whether its certificates were revoked. "
        "Validate where revocation data can be fetched, or have it added to the signature."
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE: (
        "An algorithm was too weak already when it was used. Have it signed again with a stronger one."
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: (
        "An algorithm is too weak today. A time-stamp or an evidence record from when it was still strong "
        "enough would prove that the signature is from then."
    ),
    SubIndication.POLICY_PROCESSING_ERROR: (
        "The signature names a policy whose document is not the one it was signed under. Get that document "
        "from who publishes it."
    ),
    SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE: (
        "The signature names a policy whose document is not at hand. Give it, or allow it to be fetched."
    ),
    SubIndication.TIMESTAMP_ORDER_FAILURE: (
        "Its time-stamps are not in the order in which they must have been made. Ask for the file as it was "
        "when it was last valid."
    ),
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: (
        "The certificate of the signer is not at hand. Get it from the signer or from the authority that "
        "issued it, and give it beside the signature."
    ),
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: (
        "No path leads from the certificate to a trust anchor. Validate by the trusted "
        "lists, or by an anchor that you trust yourself."
    ),
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE: (
        "The trust anchor was trusted once and is not any more. A time-stamp from when it was trusted would "
        "prove that the signature is from then."
    ),
    SubIndication.REVOKED_NO_POE: (
        "The certificate is revoked, and nothing proves that the signature is older. A time-stamp from "
        "before the revocation would."
    ),
    SubIndication.REVOKED_CA_NO_POE: (
        "A certificate of an authority is revoked, and nothing proves that the signature is older. A "
        "time-stamp from before the revocation would."
    ),
    SubIndication.OUT_OF_BOUNDS_NO_POE: (
        "The certificate is not valid today, and nothing proves that the signature is from when it was. A "
        "time-stamp from then would."
    ),
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: (
        "The certificate has expired without having been revoked, and nothing proves that the signature is "
        "older. A time-stamp from when it was valid would."
    ),
    SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE: (
        "Who issued the revocation data has expired since, and nothing proves that the data is older. A "
        "time-stamp over it, or fresh revocation data, would."
    ),
    SubIndication.NO_POE: (
        "Nothing proves that an object existed when it was still to be relied on. A time-stamp or an "
        "evidence record over it would."
    ),
    SubIndication.TRY_LATER: (
        "What is known about revocation is older than the policy allows, or the certificate is on hold. "
        "Validate again later, where revocation data can be fetched."
    ),
    SubIndication.SIGNED_DATA_NOT_FOUND: (
        "The signed data is not at hand. Give it beside the signature, by the name that the signature uses."
    ),
}
"""For readers of every report; how that is done by the command is in `OPTIONS`."""

OPTIONS: Final[dict[SubIndication, str]] = {
    SubIndication.SIG_CONSTRAINTS_FAILURE: "--policy",
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: "--policy",
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: "without --offline",
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: "--untrusted",
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: "trustworks trust refresh, then --trust; or --lotl",
    SubIndication.TRY_LATER: "without --offline",
    SubIndication.SIGNED_DATA_NOT_FOUND: "--detached FILE",
}
"""How the command is told so."""
_REASONS: Final = 4
"""How many of the checks that decided are told."""


def explained(judged: Judged) -> str:
    """The explanation in lines of text, for each signature, time-stamp that is not valid, and record."""
    evidence, outcome = judged.evidence, judged.outcome
    words = Words(judged)
    lines: list[str] = []
    nothing = nothing_there(judged)
    if nothing is not None:
        lines.append(nothing)
    signatures = {one.id: one for one in evidence.signatures}
    for number, one in enumerate(outcome.signatures, 1):
        signature = signatures[one.id]
        who = words.maker(one.signing_certificate, held=identified(one)) or "an unknown signer"
        lines.append(f"Signature {number} ({signature.level}) by {who}: {_verdict(one.verdict)}")
        lines.extend(f"  {line}" for line in _signature(one, outcome, words))
        told = remarks(judged, one, signature, reasons=_REASONS)
        lines.extend(f"  {label.capitalize()}: {said}" for label, said in told)
        lines.append("")
    for stamp in outcome.time_stamps:
        token = next(one for one in evidence.time_stamps if one.id == stamp.id)
        who = words.maker(stamp.signing_certificate, held=stamp.verdict.passed) or "an unknown unit"
        lines.append(f"The {KINDS[token.kind]} of {moment(token.time)} by {who}: {_verdict(stamp.verdict)}")
        lines.extend(f"  {line}" for line in _decided(deciding(stamp), outcome, words))
        told = remarks(judged, stamp, reasons=_REASONS)
        lines.extend(f"  {label.capitalize()}: {said}" for label, said in told)
    for record in outcome.evidence_records:
        since = f", since {moment(record.time)}" if record.time else ""
        lines.append(f"The evidence record{since}: {_verdict(record.verdict)}")
        lines.extend(f"  {line}" for line in _decided(deciding(record), outcome, words))
    lines.extend(f"{one.weight.value.capitalize()}: {one.text}" for one in about_file(judged))
    lines.extend(f"Not had: {one}" for one in judged.troubles)
    lines.extend(f"Warning: {one}" for one in cautions(judged))
    lines.append(f"Validated for {moment(outcome.at)} by the policy {outcome.policy}.")
    return "\n".join(map(printable, lines))


def _verdict(verdict: Verdict) -> str:
    if verdict.sub_indication is None:
        return verdict.indication.value
    return f"{verdict.indication.value}, {verdict.sub_indication.value}"


def _signature(one: SignatureOutcome, outcome: Outcome, words: Words) -> Iterator[str]:
    if one.best_signature_time_by is not None:
        by = words.about(one.best_signature_time_by)
        yield f"It existed at {moment(one.best_signature_time)}: {by} proves it."
    else:
        yield f"No proof that it existed before {moment(one.best_signature_time)}, the time of validation."
    yield from _decided(deciding(one), outcome, words)
    if one.sub_indication is not None:
        option = OPTIONS.get(one.sub_indication)
        yield f"What would change it: {ADVICE[one.sub_indication]}{f' ({option})' if option else ''}"


def _decided(reasons: tuple[Check, ...], outcome: Outcome, words: Words) -> Iterator[str]:
    if not reasons:
        return
    first = reasons[0]
    named = f" ({first.requirement})" if first.requirement else ""
    yield f"Decided by {first.id}{named}: {first.text or first.name}"
    yield f"About: {words.about(first.subject)} [{short(first.subject)}]"
    for key, value in first.details:
        yield f"  {key}: {value}"
    earliest = min(
        (one for one in outcome.poes if one.object == first.subject), key=lambda one: one.time, default=None
    )
    if earliest is not None:
        yield f"Known to exist at {moment(earliest.time)}, {_origin(earliest, words)}"
    for other in reasons[1:_REASONS]:
        yield f"Also {other.id}: {other.text or other.name}"


def _origin(poe: Poe, words: Words) -> str:
    if poe.origin is PoeOrigin.SERVER:
        return "because it was at hand at the time of validation."
    if poe.origin is PoeOrigin.CLIENT:
        return "because who asked said so."
    return f"by {words.about(poe.by)}." if poe.by else "by the signed file."

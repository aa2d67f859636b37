"""The verdicts in few lines, for who looks at a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trustworks.core.printable import printable
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
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.evidence import Signature
    from trustworks.validation.model import Outcome, SignatureOutcome, Verdict
    from trustworks.validation.report.judged import Judged


def line(outcome: Outcome) -> str:
    """How many signatures came to what."""
    found = Counter(verdict(one.verdict) for one in outcome.signatures)
    found.update(
        f"time-stamp {verdict(one.verdict)}" for one in outcome.time_stamps if not outcome.signatures
    )
    if not found:
        return "no signature"
    return "; ".join(f"{number} x {what}" if number > 1 else what for what, number in found.items())


def verdict(found: Verdict) -> str:
    """An indication, and its sub-indication behind it."""
    if found.sub_indication is None:
        return found.indication.value
    return f"{found.indication.value} ({found.sub_indication.value})"


def text(judged: Judged) -> str:
    """Each signature with what a reader asks first: whose, what it covers, since when, and why not."""
    evidence, outcome, qualifications = judged.evidence, judged.outcome, judged.qualifications
    words = Words(judged)
    signatures = {one.id: one for one in evidence.signatures}
    lines: list[str] = []
    for found in outcome.signatures:
        lines.extend(_signature(signatures[found.id], found, judged, words))
        level = qualifications.signatures.get(found.id) if qualifications else None
        if level is not None:
            lines.append(f"  qualified  {level.level.value}")
    stamps = {one.id: one for one in evidence.time_stamps}
    for stamp in outcome.time_stamps:
        one = stamps[stamp.id]
        lines.append(f"{KINDS[one.kind]} of {moment(one.time)}: {verdict(stamp.verdict)}")
        lines.extend(f"  {label:<10} {said}" for label, said in remarks(judged, stamp, reasons=0))
    for record in outcome.evidence_records:
        since = f" since {moment(record.time)}" if record.time else ""
        lines.append(f"evidence record{since}: {verdict(record.verdict)}")
    nothing = nothing_there(judged)
    if nothing is not None:
        lines.append(nothing)
    lines.extend(f"{finding.weight.value}: {finding.text}" for finding in about_file(judged))
    lines.extend(f"not had: {one}" for one in judged.troubles)
    lines.extend(f"warning: {one}" for one in cautions(judged))
    lines.append(f"For {moment(outcome.at)}, by the policy {outcome.policy}. --explain says what decided.")
    return "\n".join(map(printable, lines))


def _signature(signature: Signature, found: SignatureOutcome, judged: Judged, words: Words) -> Iterator[str]:
    what = "Counter-signature" if signature.parent else "Signature"
    named = f" {signature.name}" if signature.name else ""
    yield f"{what}{named}: {verdict(found.verdict)}"
    signer = words.maker(found.signing_certificate, held=identified(found))
    yield f"  by         {signer or 'unknown'}"
    yield f"  level      {signature.level}"
    if signature.attributes.signing_time is not None:
        yield f"  claimed    {moment(signature.attributes.signing_time)}"
    if found.best_signature_time_by is not None:
        yield f"  proven     {moment(found.best_signature_time)}"
    for scope in signature.scopes:
        yield f"  covers     {scope.name}: {scope.text}"
    for reason in deciding(found)[:1]:
        yield f"  because    {reason.text or reason.name}"
    for label, said in remarks(judged, found, signature, reasons=1):
        yield f"  {label:<10} {said}"

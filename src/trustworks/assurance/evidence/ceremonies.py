"""Key ceremonies: who took part, on which module, by which script, with what outcome, how sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.ceremony.transcript import Transcript
    from trustworks.core.ceremony.verify import Verdict

SHOWN: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-CEREMONIES"
LEAST: Final = 2  # distinct persons


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-CEREMONIES", disabled=())
def too_few(transcript: Transcript, verdict: Verdict) -> tuple[str, ...]:
    """Why a ceremony for good shows no dual control: fewer than two persons approved or signed it."""
    if transcript.mode == "rehearsal":
        return ()
    persons = {*verdict.approved_by, *verdict.signed_by}
    if len(persons) >= LEAST:
        return ()
    return (f"{len(persons)} person(s) approved or signed it, and at least {LEAST} have to",)


def ceremony_item(transcript: Transcript, verdict: Verdict, at: datetime) -> Item:
    """The evidence of one ceremony, from its transcript and what the verification of that found."""
    plan = transcript.plan.plan
    facts = [*transcript.began.values(), *transcript.done.values()]
    serials = sorted({str(one["token_serial"]) for one in facts if one.get("token_serial")})
    last = transcript.entries[-1].event if transcript.entries else "not begun"
    return judged(
        Kind.CEREMONY,
        plan.name,
        at,
        findings=[*too_few(transcript, verdict), *verdict.findings],
        well=f"{verdict.conclusion} {len(verdict.approved_by)} approved it, {len(verdict.signed_by)} signed.",
        values={
            "type": plan.type,
            "mode": transcript.mode,
            "script_sha256": transcript.plan.digest,
            "outcome": last,
            "opened_at": transcript.entries[0].time if transcript.entries else None,
            "ended_at": transcript.entries[-1].time if transcript.ended else None,
            "approved_by": list(verdict.approved_by),  # pseudonyms
            "signed_by": list(verdict.signed_by),
            "roles": sorted({one.role for one in plan.participants}),
            "token_serials": serials,
            "seal_sha256": verdict.digest,
            "time_stamped": verdict.stamped,
            "notices": list(verdict.notices),
        },
        requirements=(SHOWN,),
    )

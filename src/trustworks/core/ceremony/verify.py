"""Verifies a transcript, years later, with nothing but files: chain, seal, approvals, signatures, report.

A verdict is a value: no input or output here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustworks.core.audit.checkpoint import certifies
from trustworks.core.audit.tokens import stamped_time
from trustworks.core.ceremony import rules
from trustworks.core.ceremony.approvals import (
    approval_objections,
    check_signs,
    credentials_of,
    kind_of,
    verified,
)
from trustworks.core.ceremony.model import TRANSCRIPT_KIND
from trustworks.core.ceremony.transcript import chain_objections, course_objections
from trustworks.core.errors import Malformed, Rejected, TrustworksError
from trustworks.core.module.algorithms import check_signature
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from trustworks.core.ceremony.transcript import Seal, Transcript
    from trustworks.core.roles import Approval

_MODES: Final = {
    "rehearsal": "This is a rehearsal on scratch tokens: no key in it is used for anything.",
    "unattended": "Nobody was there: a laboratory's ceremony, without approvals and signatures.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verification found. `findings`: what is wrong; `notices`: what a reader must know besides.

    `signer` is the hash of the key that sealed it, `stamped` when its time-stamp is of (RFC 3339).
    """

    name: str
    type: str
    mode: str
    plan: str
    digest: str | None
    signer: str | None
    stamped: str | None
    approved_by: tuple[str, ...] = ()
    signed_by: tuple[str, ...] = ()
    findings: tuple[str, ...] = field(default=())
    notices: tuple[str, ...] = field(default=())

    waits_for: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, and nothing missing."""
        return not self.findings

    @property
    def only_waits(self) -> bool:
        """Whether nothing is wrong but that people have still to sign (`waits_for`)."""
        return bool(self.findings) and self.findings == self.waits_for

    @property
    def conclusion(self) -> str:
        """What it comes to, in a sentence."""
        if self.ok:
            return "The transcript is whole."
        if self.only_waits:
            return "Nothing is wrong, and it is not whole yet: it waits for signatures (keys ceremony sign)."
        return "The transcript does not hold."

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        return {"ok": self.ok} | {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else value
            for name in self.__slots__
        }


def verify(
    found: Transcript,
    *,
    signers: Collection[str] = (),
    check_token: Callable[[bytes, bytes], datetime] | None = None,
    plan: bytes | None = None,
    notices: Iterable[str] = (),
) -> Verdict:
    """Verify a transcript.

    `signers` are hashes (SHA-256 of the SubjectPublicKeyInfo, hexadecimal) of the keys that may seal it;
    without them that is a notice. `check_token` answers the time of a time-stamp token over an imprint, and
    raises unless it is to be trusted; without it only the imprint is compared. `plan` are the octets of a
    plan (canonical JSON) that is said to be the one that was carried out. `notices` are told besides.
    """
    seal = found.seal
    wrong = [*chain_objections(found.plan, found.entries), *course_objections(found)]
    told = [*([_MODES[found.mode]] if found.mode in _MODES else []), *notices]
    if plan is not None and sha256(plan).hexdigest() != found.plan.digest:
        wrong.append("the plan beside it is another than the one that was carried out")
    if not found.ended:
        wrong.append(f"the ceremony did not come to its end. {found.how_far()}")
    elif found.entries[-1].event == "abandoned":
        told.append("The ceremony was abandoned.")
    else:
        wrong += rules.report_objections(found.plan.plan, found.done)
    wrong += [said for _, said in rules.plan_objections(found.plan.plan, lab=True)]
    wrong += seal_objections(found)
    approved_by, signed_by, people_wrong, unsigned = _people(found)
    wrong += people_wrong
    stamped = None
    if seal is not None:
        if signers and sha256(seal.spki).hexdigest() not in signers:
            wrong.append("the seal is of another key than the ones that may seal it")
        elif not signers:
            told.append("The key that sealed it was compared with no certificate.")
        stamped, stamp_wrong, stamp_told = _stamp(seal, check_token)
        wrong += stamp_wrong
        told += stamp_told
    return Verdict(
        name=found.plan.plan.name,
        type=found.plan.plan.type,
        mode=found.mode,
        plan=found.plan.digest,
        digest=None if seal is None else seal.digest,
        signer=None if seal is None else sha256(seal.spki).hexdigest(),
        stamped=stamped,
        approved_by=approved_by,
        signed_by=signed_by,
        findings=_sentences([*wrong, *unsigned]),
        waits_for=_sentences(unsigned),
        notices=tuple(told),
    )


def _sentences(said: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{one[:1].upper()}{one[1:].rstrip('.')}." for one in said)


def _people(found: Transcript) -> tuple[tuple[str, ...], tuple[str, ...], list[str], tuple[str, ...]]:
    """Who approved, who signed, what is wrong of either, and which signatures are still missing."""
    if not found.entries or found.mode == "unattended":
        return (), (), [], ()
    opening, plan = found.entries[0].facts, found.plan.plan
    try:
        credentials = credentials_of(opening)
    except Malformed as error:
        return (), (), [str(error)], ()
    given, wrong = verified(opening.get("approvals") or (), credentials)
    given = [one for one in given if (one.content.what, one.content.sha256) == _about(found)]
    signed: list[Approval] = []
    if found.seal is not None:
        good, bad = verified(found.signatures, credentials)
        wrong += bad
        for one in good:
            try:
                check_signs(plan, one, found.seal.digest)
            except Rejected as error:
                wrong.append(str(error))
            else:
                signed.append(one)
    unsigned: tuple[str, ...] = ()
    if found.mode != "rehearsal":
        wrong += approval_objections(plan, given)
        unsigned = tuple(rules.signature_objections(plan, [one.content.operator for one in signed]))
    return _names(given), _names(signed), wrong, unsigned


def _names(approvals: Iterable[Approval]) -> tuple[str, ...]:
    return tuple(sorted({one.content.operator for one in approvals}))


def _about(found: Transcript) -> tuple[str, str]:
    return kind_of(found.plan.plan), found.plan.digest


@implements("TRUSTWORKS:CEREMONY-SEALED", disabled=())
def seal_objections(found: Transcript) -> tuple[str, ...]:
    """What is wrong with the seal: it is missing, says something else than the entries, or is not signed."""
    seal = found.seal
    if seal is None:
        return ("it is not sealed; run the plan again, which signs its transcript",)
    try:
        said = seal.statement
    except Malformed as error:
        return (str(error),)
    expected = {
        "entries": len(found.entries),
        "head": found.entries[-1].hash if found.entries else None,
        "key": sha256(seal.spki).hexdigest(),
        "mode": found.mode,
        "name": found.plan.plan.name,
        "outcome": found.entries[-1].event if found.entries else None,
        "plan": found.plan.digest,
        "type": TRANSCRIPT_KIND,
        "version": 1,
    }
    wrong = [
        f"the seal says of another {name}" for name, value in expected.items() if said.get(name) != value
    ]
    try:
        check_signature(load_der_public_key(seal.spki), str(said.get("scheme")), seal.signature, seal.body)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError, TypeError):
        wrong.append("the signature of the seal is not one of its key")
    if seal.certificate is not None and not certifies(seal.certificate, seal.spki):
        wrong.append("the certificate beside the seal is another key's")
    return tuple(wrong)


def _stamp(
    seal: Seal, check_token: Callable[[bytes, bytes], datetime] | None
) -> tuple[str | None, list[str], list[str]]:
    """When the time-stamp is of, what is wrong with it, what to tell of it."""
    if seal.time_stamp is None:
        return None, [], ["It is not time-stamped: `trustworks keys ceremony stamp` asks for one."]
    try:
        moment = (check_token or stamped_time)(seal.time_stamp, seal.imprint)
    except TrustworksError as error:
        return None, [f"the time-stamp does not hold: {error}"], []
    told = [] if check_token is not None else ["The time-stamp was held against no trust anchor."]
    return moment.isoformat(), [], told

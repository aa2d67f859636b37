"""What a script must hold before anybody approves it, and what its transcript needs. Pure, in sentences.

Source: EN 319 411-1, 6.5.1.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Final

from trustworks.core.ceremony.model import KINDS
from trustworks.core.ceremony.steps import act_of
from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from trustworks.core.ceremony.model import Plan

# Steps that only look, or at which only people act. All others change the module, its keys or records.
LOOKING: Final = frozenset({"confirm", "inspect-module", "check-key"})
_LEAST: Final = 2  # people for dual control
_USES_KEY: Final = frozenset({"make-authority", "certify-key"})
_FINDS_KEY: Final = frozenset({"generate-key", "check-key", "restore-key", "transfer-key"})
_RETURNS: Final = frozenset({"drill-backup", "restore-key", "transfer-key"})
# What the templates leave to be filled in: words in capitals, hashes of noughts.
_PLACEHOLDER: Final = re.compile(r"\bTHE (?:ROOM|SERIAL NUMBER)\b|\bNUMBER\b|\A0{60}[0-9]{4}\Z")


@implements("EN319411-1:GEN-6.5.1-04", "EN319421:7.6.2-DUAL-CONTROL", disabled=())
def dual_control_objections(plan: Plan) -> tuple[str, ...]:
    """Two people at least approve the script, in two roles at least, and two carry out what changes keys."""
    if plan.unattended:
        return ()
    found = []
    approvers = [one for one in plan.participants if one.approves]
    if plan.approvals < _LEAST:
        found.append(f"approvals is {plan.approvals}; a ceremony is approved by two people at least")
    if len(approvers) < plan.approvals:
        found.append(
            f"{len(approvers)} participants may approve, and {plan.approvals} approvals are wanted; give "
            "approves = true to more"
        )
    if len({one.role for one in approvers}) < _LEAST:
        found.append("those who approve all act in one role; let them be of two roles at least")
    for number, step in enumerate(plan.steps, 1):
        if step.kind not in LOOKING and len(set(step.by)) < _LEAST:
            found.append(f"step {number} ({step.kind}) is one person's; name two in by")
    return tuple(found)


@implements("EN319411-1:GEN-6.5.1-03", disabled=())
def role_objections(plan: Plan) -> tuple[str, ...]:
    """Whoever does something is a participant in a trusted role; auditors watch and sign, no more."""
    found = []
    names = [one.name for one in plan.participants]
    found += [f"{name} is there twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    auditors = {one.name for one in plan.participants if one.role == "auditor" or one.witness}
    for number, step in enumerate(plan.steps, 1):
        for name in step.by:
            if name not in names:
                found.append(f"step {number} names {name}, who is no participant")
            elif name in auditors and step.kind != "confirm":
                found.append(f"step {number} ({step.kind}) is done by {name}, who is there to watch")
        if not step.by and not plan.unattended:
            found.append(f"step {number} ({step.kind}) is nobody's; say who does it in by")
    found += [
        f"{one.name} watches, and so cannot approve"
        for one in plan.participants
        if _watches_and_approves(one)
    ]
    return tuple(found)


def _watches_and_approves(one: Any) -> bool:
    return bool(one.approves and (one.witness or one.role == "auditor"))


@implements("EN319411-1:GEN-6.5.1-11", "EN319411-1:GEN-6.5.1-12", disabled=())
def script_objections(plan: Plan) -> tuple[str, ...]:
    """The script has the steps that its type is about, and each participant a part in it."""
    kinds = {step.kind for step in plan.steps}
    found = [
        f"a ceremony of the type {plan.type} needs a step {' or '.join(wanted)}"
        for wanted in KINDS[plan.type].needs
        if not kinds.intersection(wanted)
    ]
    busy = {name for step in plan.steps for name in step.by}
    found += [
        f"{one.name} has no part in it; remove them, or name them in a step's by"
        for one in plan.participants
        if one.name not in busy and not (one.approves or one.signs or one.witness)
    ]
    return tuple(found)


@implements("TRUSTWORKS:CEREMONY-STEPS-OF-TYPE", disabled=())
def type_objections(plan: Plan) -> tuple[str, ...]:
    """No step but those of the ceremony's type: who approves it, signs and watches goes by the type alone."""
    found = []
    for number, step in enumerate(plan.steps, 1):
        act = act_of(step)
        if step.kind in LOOKING or act in KINDS[plan.type].may:
            continue
        *others, last = [name for name, kind in KINDS.items() if act in kind.may]
        where = f"{', '.join(others)} or {last}" if others else last
        found.append(
            f"step {number} ({act}) is none of a ceremony of the type {plan.type}; plan it in one of the "
            f"type {where}"
        )
    return tuple(found)


@implements("EN319411-1:GEN-6.5.1-14", disabled=())
def signature_objections(plan: Plan, signed: Iterable[str] | None = None) -> tuple[str, ...]:
    """Whose signature is missing: of the script's participants, or (`signed`: names) of the transcript.

    A root's transcript is signed by a security officer and by an independent witness, another authority's by
    a security officer.
    """
    if plan.unattended:
        return ()
    kind = KINDS[plan.type]
    what = "is to sign" if signed is None else "has signed"
    there = {one.name for one in plan.participants} if signed is None else set(signed)
    found = []
    for role in kind.signers:
        able = {one.name for one in plan.participants if one.role == role and one.signs}
        if not able & there:
            found.append(f"no {role} {what} the transcript")
    if kind.witness and not {one.name for one in plan.participants if one.witness} & there:
        found.append(f"no independent witness {what} the transcript")
    return tuple(found)


@implements("EN319411-1:GEN-6.5.1-13B", disabled=())
def checked_before_use_objections(plan: Plan) -> tuple[str, ...]:
    """A key is made in the same ceremony, or it is known by its hash and checked, before it is used."""
    found, known = [], set()
    for number, step in enumerate(plan.steps, 1):
        key = getattr(step, "token", None), getattr(step, "label", None)
        if step.kind == "check-key" and getattr(step, "spki_sha256", None) is None and key not in known:
            found.append(
                f"step {number} checks a key that was made before without saying which it is; add spki-sha256"
            )
        if step.kind in _FINDS_KEY:
            known.add(key)
        elif step.kind in _USES_KEY and key not in known:
            found.append(
                f"step {number} ({step.kind}) uses the key {key[1]} of the token {key[0]}, which no step "
                "before makes or checks"
            )
    return tuple(found)


@implements("EN319411-1:GEN-6.5.2-06", disabled=())
def custodian_objections(plan: Plan) -> tuple[str, ...]:
    """Custodians are several, each a participant in a trusted role, and there when they act.

    An operator who left is no participant that a run accepts, and so opens nothing in a ceremony any more.
    Source: EN 319 411-1, GEN-6.5.2-06.
    """
    found, names = [], {one.name for one in plan.participants}
    for number, step in enumerate(plan.steps, 1):
        acting, cards = getattr(step, "custodians", ()), _cards(step)
        groups = (acting, [one.name for one in cards], [one.fingerprint for one in cards])
        if any(group and (len(set(group)) != len(group) or len(group) < _LEAST) for group in groups):
            found.append(f"step {number} ({step.kind}) does not have two different custodians or more")
        strangers = sorted({*acting, *(one.name for one in cards)} - names)
        if strangers:
            found.append(f"step {number} has custodians who are no participants: {', '.join(strangers)}")
        absent = sorted(set(acting) - set(step.by))
        if absent:
            found.append(f"step {number} has custodians who are not in its by: {', '.join(absent)}")
        if cards and getattr(step, "backup").threshold > len(cards):  # noqa: B009 - of one kind of step
            found.append(f"step {number} wants more custodians together than it names")
    return tuple(found)


def _cards(step: Any) -> tuple[Any, ...]:
    """The custodians of the backup that a key gets while it is made."""
    backup = getattr(step, "backup", None)
    return () if step.kind != "generate-key" or backup is None else tuple(backup.custodians)


@implements("EN319411-1:GEN-6.5.4-01", disabled=())
def pin_objections(plan: Plan) -> tuple[str, ...]:
    """Each PIN of a new token has one place, and what is sealed is sealed for several who take part.

    Source: EN 319 411-1, GEN-6.5.4-01.
    """
    found, names = [], {one.name for one in plan.participants}
    for number, step in enumerate(plan.steps, 1):
        if step.kind != "initialise-token":
            continue
        if (step.pin_file is None) is (step.sealed_pin is None):
            found.append(f"step {number} says pin-file or sealed-pin, and one of them alone")
        officer = (step.so_pin_file, step.sealed_so_pin, step.discard_so_pin)
        if sum(one is not None for one in officer) != 1:
            found.append(
                f"step {number} says so-pin-file, sealed-so-pin or discard-so-pin, and one of them alone"
            )
        for sealing in filter(None, (step.sealed_pin, step.sealed_so_pin)):
            people = [one.name for one in sealing.operators]
            prints = {one.fingerprint for one in sealing.operators}
            if not len(set(people)) == len(prints) == len(people):
                found.append(f"step {number} seals a PIN for the same operator or card twice")
            if sealing.threshold > len(people):
                found.append(f"step {number} wants more operators together than it names")
            if strangers := sorted(set(people) - names):
                found.append(f"step {number} seals a PIN for who is no participant: {', '.join(strangers)}")
    return tuple(found)


@implements("EN319411-1:GEN-6.5.1-13B", disabled=())
def known_backup_objections(plan: Plan) -> tuple[str, ...]:
    """A backup is made in the same ceremony, or it is known by its hash: no other file brings a key back."""
    found, made = [], set()
    for number, step in enumerate(plan.steps, 1):
        if _cards(step):
            made.add((getattr(step, "label", None), getattr(step, "backup").file))  # noqa: B009 - as above
            continue
        place = getattr(step, "label", None), getattr(step, "file", None)
        if step.kind in _RETURNS and getattr(step, "backup", None) is None and place not in made:
            found.append(
                f"step {number} ({step.kind}) uses a backup that was made before without saying which it is; "
                "add backup, its SHA-256"
            )
    return tuple(found)


@implements("TRUSTWORKS:CEREMONY-UNATTENDED", disabled=())
def unattended_objections(plan: Plan, *, lab: bool) -> tuple[str, ...]:
    """Nobody being there is for laboratories alone, and nobody is said to be there then."""
    if not plan.unattended:
        return ()
    found = [] if lab else ["it is unattended, which is for laboratories ([provider] lab = true) alone"]
    if plan.approvals or plan.participants:
        found.append("it is unattended and names approvals or participants; remove one or the other")
    if any(step.kind == "confirm" for step in plan.steps):
        found.append("it is unattended, and nobody is there to confirm a step")
    return tuple(found)


@implements("TRUSTWORKS:CEREMONY-FILLED-IN", disabled=())
def placeholder_objections(plan: Plan) -> tuple[str, ...]:
    """What still stands in the script as its template has it, and is to be filled in."""
    found = []
    for where, value in _texts(plan):
        if _PLACEHOLDER.search(value):
            shown = "a hash of noughts" if value.startswith("0") else f"{value!r}"
            found.append(f"{where} is {shown}, as in the template; fill it in")
    return tuple(found)


def check_filled_in(plan: Plan) -> None:
    """Raise `Refused` while a place of the script is open that its template leaves to be filled in.

    Who approves a plan, and who carries it out, is to know the room, the seal and the keys that it is about.
    A rehearsal goes without.
    """
    if wrong := placeholder_objections(plan):
        told = "; ".join(wrong)
        raise Refused("TRUSTWORKS:CEREMONY-FILLED-IN", f"The plan {plan.name} is not filled in: {told}.")


def _texts(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a script, with the place where it stands, in the words of its file."""
    if isinstance(value, str):
        yield where, value
    elif is_dataclass(value):
        for one in fields(value):
            name = one.name.replace("_", "-")
            yield from _texts(getattr(value, one.name), f"{where}, {name}" if where else name)
    elif isinstance(value, tuple):
        single = {"steps": "step", "participants": "participant", "custodians": "custodian"}
        begin, _, last = where.rpartition(", ")
        for number, one in enumerate(value, 1):
            place = f"{single.get(last, last)} {number}"
            yield from _texts(one, f"{begin}, {place}" if begin else place)


_RULES: Final[tuple[tuple[str, Callable[[Plan], tuple[str, ...]]], ...]] = (
    ("EN319411-1:GEN-6.5.1-12", script_objections),
    ("TRUSTWORKS:CEREMONY-STEPS-OF-TYPE", type_objections),
    ("EN319411-1:GEN-6.5.1-03", role_objections),
    ("EN319411-1:GEN-6.5.1-04", dual_control_objections),
    ("EN319411-1:GEN-6.5.1-14", signature_objections),
    ("EN319411-1:GEN-6.5.1-13B", checked_before_use_objections),
    ("EN319411-1:GEN-6.5.1-13B", known_backup_objections),
    ("EN319411-1:GEN-6.5.2-06", custodian_objections),
    ("EN319411-1:GEN-6.5.4-01", pin_objections),
)


def plan_objections(plan: Plan, *, lab: bool) -> list[tuple[str, str]]:
    """All that speaks against a script, each with the requirement that says so."""
    found = [("TRUSTWORKS:CEREMONY-UNATTENDED", said) for said in unattended_objections(plan, lab=lab)]
    return found + [(requirement, said) for requirement, rule in _RULES for said in rule(plan)]


def check_plan(plan: Plan, *, lab: bool) -> None:
    """Raise `Refused` with the first requirement that a script breaks, and all that speaks against it."""
    wrong = plan_objections(plan, lab=lab)
    if wrong:
        told = "; ".join(said for _, said in wrong)
        raise Refused(wrong[0][0], f"The plan {plan.name} cannot be carried out: {told}. Correct the plan.")


# What the report of a ceremony holds for each kind of step, as the facts that its entry carries.
_KEY: Final = ("label", "id", "algorithm", "bits", "spki_sha256")
REPORTED: Final[Mapping[str, tuple[str, ...]]] = {
    "inspect-module": ("library", "library_sha256", "token_serial", "token_model", "firmware_version"),
    "generate-key": _KEY,
    "check-key": _KEY,
    "destroy-key": _KEY,
    "drill-backup": (*_KEY, "backup", "custodians", "signature"),
    "restore-key": (*_KEY, "backup", "custodians"),
    "transfer-key": (*_KEY, "backup", "custodians", "token_serial"),
    "destroy-backup": ("label", "spki_sha256", "backup", "state"),
    "make-authority": ("subject", "serial", "certificate", "spki_sha256", "signature_algorithm"),
}


@implements("EN319411-1:GEN-6.5.1-13A", disabled=())
def report_objections(plan: Plan, done: Mapping[int, Mapping[str, Any]]) -> tuple[str, ...]:
    """What the report lacks: a step without evidence, a key without its inventory, a module without a name.

    `done` are the facts of the steps that were carried out, by their number from 1.
    """
    found = []
    for number, step in enumerate(plan.steps, 1):
        if number not in done:
            found.append(f"step {number} ({step.kind}) was not carried out")
            continue
        wanted = (*REPORTED.get(step.kind, ()), *(("backup",) if _cards(step) else ()))
        missing = [name for name in wanted if not done[number].get(name)]
        if missing:
            found.append(f"step {number} ({step.kind}) does not tell {', '.join(missing)}")
    return tuple(found)

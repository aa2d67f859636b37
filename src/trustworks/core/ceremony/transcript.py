"""The transcript of a ceremony: its plan, a chain of entries, and the seal that closes it.

Each entry carries the hash of the one before; the first carries the plan's digest. The seal is a statement
about the last one, signed by a key of the module and time-stamped; the participants sign that statement's
digest. So whoever holds the document can verify it years later, with nothing but files.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping  # noqa: TC003 - dataclasses read it
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from trustworks.core.audit.canonical import canonical
from trustworks.core.audit.model import time_text
from trustworks.core.audit.reading import loads, whole_number
from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony.model import TRANSCRIPT_KIND
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.core.audit.checkpoint import SigningKey
    from trustworks.core.ceremony.model import Read

DOCUMENT: Final = "trustworks.ceremony-transcript"
# opened: with mode and approvals. begun and done: of a step. failed: with why. resumed: by another run, after
# one that ended in between. abandoned, closed: the end.
Happened = Literal["opened", "begun", "done", "failed", "resumed", "abandoned", "closed"]
_ENTRY: Final = frozenset({"event", "facts", "number", "previous", "step", "time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened, when (UTC, RFC 3339), at which step of the plan (from 1), with what facts (JSON)."""

    number: int
    event: Happened
    step: int | None
    time: str
    facts: Mapping[str, Any]
    previous: str

    def values(self) -> dict[str, Any]:
        """The entry as JSON values."""
        return {name: getattr(self, name) for name in _ENTRY}

    @property
    def body(self) -> bytes:
        """The canonical JSON."""
        return canonical(self.values())

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal."""
        return sha256(self.body).hexdigest()


def following(
    plan: Read,
    entries: Sequence[Entry],
    event: Happened,
    *,
    at: datetime,
    step: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Entry:
    """The entry that comes after `entries`."""
    return Entry(
        number=len(entries),
        event=event,
        step=step,
        time=time_text(at),
        facts=dict(facts or {}),
        previous=entries[-1].hash if entries else plan.digest,
    )


def read_entry(value: Any) -> Entry:
    """An entry out of its JSON values. Raises `Malformed`; the chain is for `verify` to judge."""
    if not isinstance(value, dict) or value.keys() != _ENTRY:
        raise Malformed("An entry of the transcript lacks something, or has what no entry has.")
    step, facts, event = value["step"], value["facts"], value["event"]
    if event not in get_args(Happened) or not isinstance(facts, dict):
        raise Malformed("An entry of the transcript says of nothing that happens in a ceremony.")
    if not isinstance(value["previous"], str) or not isinstance(value["time"], str):
        raise Malformed("An entry of the transcript has no hash of the one before, or no time.")
    try:
        datetime.fromisoformat(value["time"])
    except ValueError:
        raise Malformed("The time of an entry of the transcript cannot be read.") from None
    return Entry(
        number=whole_number(value["number"], "number of an entry"),
        event=event,
        step=None if step is None else whole_number(step, "step of an entry"),
        time=value["time"],
        facts=facts,
        previous=value["previous"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The statement about a transcript (canonical JSON), signed by a key of the module.

    `certificate` is the signer's (DER), if it has one; `time_stamp` a token over `imprint`.
    """

    body: bytes
    signature: bytes
    spki: bytes
    certificate: bytes | None = None
    time_stamp: bytes | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the statement, in hexadecimal: what the participants sign."""
        return sha256(self.body).hexdigest()

    @property
    def imprint(self) -> bytes:
        """What the time-stamp is about: SHA-256 of statement and signature."""
        return sha256(self.body + self.signature).digest()

    @property
    def statement(self) -> dict[str, Any]:
        """What the statement says. Raises `Malformed`."""
        found = loads(self.body)
        if not isinstance(found, dict):
            raise Malformed("The statement that seals the transcript is no JSON object.")
        return found


def statement(plan: Read, entries: Sequence[Entry], key: SigningKey, *, at: datetime) -> bytes:
    """The canonical JSON that is signed to seal a transcript."""
    return canonical(
        {
            "entries": len(entries),
            "head": entries[-1].hash,
            "key": sha256(key.spki).hexdigest(),
            "mode": entries[0].facts["mode"],
            "name": plan.plan.name,
            "outcome": entries[-1].event,
            "plan": plan.digest,
            "scheme": key.scheme.name,
            "time": time_text(at),
            "type": TRANSCRIPT_KIND,
            "version": 1,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A ceremony as far as it came. `signatures`: the participants', as JSON values (see `approvals`)."""

    plan: Read
    entries: tuple[Entry, ...]
    seal: Seal | None = None
    signatures: tuple[Mapping[str, Any], ...] = ()

    @property
    def mode(self) -> str:
        """run, rehearsal or unattended; empty while nothing was opened."""
        return str(self.entries[0].facts.get("mode", "")) if self.entries else ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return bool(self.entries) and self.entries[-1].event in {"closed", "abandoned"}

    @property
    def done(self) -> dict[int, Mapping[str, Any]]:
        """The facts of the steps that were carried out, by number."""
        return {one.step: one.facts for one in self.entries if one.event == "done" and one.step is not None}

    @property
    def began(self) -> dict[int, Mapping[str, Any]]:
        """The facts with which steps were begun, by number."""
        return {one.step: one.facts for one in self.entries if one.event == "begun" and one.step is not None}

    def how_far(self) -> str:
        """How far it came, in a sentence."""
        total, last = len(self.plan.plan.steps), self.entries[-1] if self.entries else None
        if last is None:
            return "It has not begun."
        if last.event in {"closed", "abandoned"}:
            return f"It was {last.event} at {last.time} with {len(self.done)} of {total} steps carried out."
        under_way = [number for number in self.began if number not in self.done]
        where = f"; step {under_way[0]} was begun and is not finished" if under_way else ""
        return f"{len(self.done)} of {total} steps are carried out{where}. Run the same plan again to go on."

    def keys(self) -> list[Mapping[str, Any]]:
        """The inventory of keys: each that was made, checked or destroyed, once, as it was told last."""
        found: dict[str, Mapping[str, Any]] = {}
        for number, facts in sorted(self.done.items()):
            if "spki_sha256" in facts and "algorithm" in facts:
                kind = self.plan.plan.steps[number - 1].kind if number <= len(self.plan.plan.steps) else ""
                found[str(facts["spki_sha256"])] = {**facts, "what": kind}
        return list(found.values())


# ---- as a document


def as_document(transcript: Transcript) -> dict[str, Any]:
    """The transcript as a JSON document that can be kept anywhere."""
    seal = transcript.seal
    return {
        "type": DOCUMENT,
        "version": 1,
        "plan": plans.as_values(transcript.plan.plan),
        "entries": [one.values() for one in transcript.entries],
        "seal": None
        if seal is None
        else {
            "statement": seal.statement,
            "signature": _text(seal.signature),
            "public_key": _text(seal.spki),
            "certificate": _text(seal.certificate),
            "time_stamp": _text(seal.time_stamp),
        },
        "signatures": [dict(one) for one in transcript.signatures],
    }


def from_document(document: Any) -> Transcript:
    """The transcript that a JSON document holds. Raises `Malformed`; verifies nothing."""
    if not isinstance(document, dict) or (document.get("type"), document.get("version")) != (DOCUMENT, 1):
        raise Malformed("This is no transcript of a ceremony, or one of a version that is not known.")
    entries, signatures = document.get("entries"), document.get("signatures")
    if not isinstance(entries, list) or not isinstance(signatures, list):
        raise Malformed("The transcript has no list of entries, or none of signatures.")
    if not all(isinstance(one, dict) for one in signatures):
        raise Malformed("A signature of the transcript is no JSON object.")
    return Transcript(
        plan=plans.from_canonical(canonical(document.get("plan"))),
        entries=tuple(read_entry(one) for one in entries),
        seal=_seal(document.get("seal")),
        signatures=tuple(signatures),
    )


def _seal(value: Any) -> Seal | None:
    if value is None:
        return None
    try:
        certificate, token = value.get("certificate"), value.get("time_stamp")
        return Seal(
            body=canonical(value["statement"]),
            signature=_octets(value["signature"]),
            spki=_octets(value["public_key"]),
            certificate=None if certificate is None else _octets(certificate),
            time_stamp=None if token is None else _octets(token),
        )
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise Malformed(f"The seal of the transcript cannot be read: {error!r}.") from None


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _octets(value: Any) -> bytes:
    return base64.b64decode(value, validate=True)


def load(content: bytes) -> Transcript:
    """The transcript in a file's octets. Raises `Malformed`."""
    return from_document(loads(content))


@implements("TRUSTWORKS:CEREMONY-COURSE", disabled=())
def course_objections(found: Transcript) -> tuple[str, ...]:
    """Where the entries tell no course that a run of the plan can take, each link of the chain being right.

    It opens once and in a mode of the plan; each step is begun, in the plan's order, before it is done, and
    done once; nothing follows the end. Times are not compared: a clock may have been set right in between.
    """
    if not found.entries:
        return ()
    plan, events = found.plan.plan, [one.event for one in found.entries]
    wrong = []
    modes = ("rehearsal", "unattended") if plan.unattended else ("rehearsal", "run")
    if found.mode not in modes:
        wrong.append(f"it says of itself that its mode is {found.mode or 'none'}, which is not the plan's")
    if events[0] != "opened" or events.count("opened") > 1:
        wrong.append("it does not begin by its opening, once")
    if any(event in {"closed", "abandoned"} for event in events[:-1]):
        wrong.append("something follows the end of the ceremony")
    begun = [one.step for one in found.entries if one.event == "begun"]
    done = [one.step for one in found.entries if one.event == "done"]
    expected = list(range(1, len(done) + 1))
    if done != expected or begun[: len(done)] != expected or len(begun) - len(done) not in {0, 1}:
        wrong.append("its steps are not those of the plan, each begun and done once in their order")
    return tuple(wrong)


@implements("TRUSTWORKS:CEREMONY-CHAINED", disabled=())
def chain_objections(plan: Read, entries: Iterable[Entry]) -> tuple[str, ...]:
    """Where an entry does not follow the one before: something was changed, taken out or put in."""
    previous, wrong = plan.digest, []
    for number, one in enumerate(entries):
        if one.number != number or one.previous != previous:
            wrong.append(f"entry {number} does not follow the one before it")
            break
        previous = one.hash
    return tuple(wrong)

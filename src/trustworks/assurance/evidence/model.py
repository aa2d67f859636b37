"""One piece of evidence: what was looked at, when, what was found, and whether that is as it has to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from trustworks.core.audit.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from trustworks.core.audit import JSON


class Kind(StrEnum):
    """What is looked at."""

    IDENTITY = "module-identity"
    HEALTH = "module-health"
    CEREMONY = "ceremony"
    CUSTODY = "key-custody"
    INVENTORY = "key-inventory"
    ALGORITHMS = "algorithms"
    CLOCK = "clock"
    LOG = "audit-log"
    ROLES = "role-separation"
    CHECK = "product-check"
    DUTY = "recurring-duty"
    TRACE = "traceability"


class Outcome(StrEnum):
    """What came of it."""

    OK = "ok"
    FINDING = "finding"  # it was looked at, and is not as it has to be
    FAILED = "failed"  # it could not be looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one look at one subject found, at `at` (UTC).

    `sentence` says it to people; `values` are the facts as JSON values, never a secret nor a person's name;
    `requirements` are the ids of the register that it is evidence of.
    """

    kind: Kind
    subject: str
    at: datetime
    outcome: Outcome
    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()

    @property
    def content(self) -> dict[str, JSON]:
        """All but the moment, as JSON values."""
        return {
            "kind": self.kind.value,
            "subject": self.subject,
            "outcome": self.outcome.value,
            "sentence": self.sentence,
            "values": dict(self.values),
            "requirements": list(self.requirements),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the content as canonical JSON: two looks that found the same have the same."""
        return sha256(canonical(self.content)).hexdigest()


def judged(
    kind: Kind,
    subject: str,
    at: datetime,
    *,
    findings: Sequence[str],
    well: str,
    values: Mapping[str, Any],
    requirements: tuple[str, ...],
) -> Item:
    """The item of a look: ok with the sentence `well`, or a finding with all that is wrong."""
    return Item(
        kind=kind,
        subject=subject,
        at=at,
        outcome=Outcome.FINDING if findings else Outcome.OK,
        sentence=" ".join(sentence(one) for one in findings) or well,
        values=values,
        requirements=requirements,
    )


def failed(kind: Kind, subject: str, at: datetime, error: Exception, requirements: tuple[str, ...]) -> Item:
    """The item of what could not be looked at, with the error's sentence."""
    return Item(
        kind=kind,
        subject=subject,
        at=at,
        outcome=Outcome.FAILED,
        sentence=sentence(str(error) or type(error).__name__),
        requirements=requirements,
    )


def sentence(text: str) -> str:
    """The text with a capital at its beginning and a full stop at its end; a name at its beginning stays."""
    text = text.strip()
    first = text.split(" ", 1)[0]
    begun = f"{text[:1].upper()}{text[1:]}" if first.isalpha() else text
    return begun + ("" if begun.endswith((".", "!", "?")) else ".")

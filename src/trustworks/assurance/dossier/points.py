"""The index to Annex III of Implementing Regulation (EU) 2025/2162: each point, with what is here for it.

A conformity assessment report is the assessor's; a dossier brings what the provider has to bring. A point
without data is printed as missing, and one that only the assessor can fill says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trustworks.core.trace import implements

SOURCE: Final = "Implementing Regulation (EU) 2025/2162, Annex III"


class State(StrEnum):
    """What there is for a point."""

    PRESENT = "present"
    MISSING = "missing"
    ASSESSOR = "by the assessor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of the annex: its number, what it asks for in our words, what is here for it."""

    number: str
    words: str
    state: State
    files: tuple[str, ...] = ()
    note: str = ""


_BY_ASSESSOR: Final = "The conformity assessment body writes it."
# (number, our words, whether the assessor alone can fill it)
POINTS: Final[tuple[tuple[str, str, bool], ...]] = (
    ("1", "the certification decision that comes with the report", True),
    ("2", "the provider, and everybody who operates components for him: names, numbers, addresses", False),
    ("3", "the services that the assessment covers", False),
    ("4", "evidence that provider and services fulfil the requirements", False),
    ("5", "the conformity assessment body", True),
    ("6", "its accreditation, persons, scheme and methods", True),
    ("7", "the signature on the report", True),
    ("8", "one provider alone", False),
    ("9", "the digital identity of each service: SKI, certificate, role, use", False),
    ("10(a)", "the hierarchy of certification authorities, drawn", False),
    ("10(b)", "each authority by its SKI", False),
    ("10(c)", "the policy sets of each issuing authority", False),
    ("11", "third parties and their sites", False),
    ("12", "the entry for the national trusted list", False),
    ("13(a)", "the declaration of practices", False),
    ("13(b)", "the service policies", False),
    ("13(c)", "terms and conditions", False),
    ("13(d)", "the termination plan", False),
    ("13(e)", "the assessment of risks", False),
    ("13(f)", "the plan for notifying breaches", False),
    ("13(g)", "the list of internal documents", False),
    ("13(h)", "articles of incorporation, organisation, ownership, accounts", False),
    ("13(i)", "financial resources or liability insurance", False),
    ("13(j)", "the standards that operations follow by the provider's own statement", False),
    ("13(k)", "the standards that others have assessed operations against", False),
    ("13(l)", "signature and seal creation devices for users, with their certificates", False),
    ("13(m)", "devices that protect the provider's own keys, with their certificates", False),
    ("14", "the assessment against Regulation (EU) 910/2014", True),
    ("15", "the assessment against Article 21 of Directive (EU) 2022/2555", True),
    ("16", "non-conformities, or that there are none; the plan of corrective actions", True),
    ("17", "opportunities for improvement", True),
    ("18", "the period and the effort of the assessment", True),
    ("19", "the controls that were looked at", True),
    ("20", "samples of what the services make, from tests and production", False),
    ("21", "when the next assessments are due", True),
    ("22", "the declaration that the documents are for the supervisory body", True),
)


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-MISSING", disabled=())
def index(found: dict[str, tuple[str, ...]], notes: dict[str, str]) -> tuple[Point, ...]:
    """All points in order; `found` are the names of the files for each, `notes` what there is to say."""
    return tuple(
        Point(
            number=number,
            words=words,
            state=_state(found.get(number, ()), by_assessor=by_assessor),
            files=found.get(number, ()),
            note=notes.get(number, _BY_ASSESSOR if by_assessor else ""),
        )
        for number, words, by_assessor in POINTS
    )


def _state(files: tuple[str, ...], *, by_assessor: bool) -> State:
    if files:
        return State.PRESENT
    return State.ASSESSOR if by_assessor else State.MISSING

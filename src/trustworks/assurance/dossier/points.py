"""The index to Annex III of Implementing Regulation (EU) 2025/2162: each point, with what is here for it.

A conformity assessment report is the assessor's; a dossier brings what the provider has to bring. A point
without data is printed as missing, with how to supply it; one that wants more than there is, as there in
part; one that only the assessor can fill says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import PAPERS, PaperKind
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = "Implementing Regulation (EU) 2025/2162, Annex III"


class State(StrEnum):
    """What there is for a point."""

    PRESENT = "present"
    PART = "in part"
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


# How what the systems make or the register knows comes into being, where there is none.
_HOW: Final[Mapping[str, str]] = {
    "3": "A service is configured by its table: `trustworks config explain` tells which there are.",
    "4": "`trustworks assurance product add` and `trustworks assurance binding add` begin the register.",
    "9": "Authorities come by ceremonies; certificates of services are named in the configuration.",
    "10(a)": "Authorities come by ceremonies (`trustworks keys ceremony`).",
    "10(b)": "Authorities come by ceremonies (`trustworks keys ceremony`).",
    "10(c)": "An issuing authority has policy sets once it is there: [issuance] of the configuration.",
    "12": "Authorities and services with certificates give the draft of an entry; `trustworks assurance "
    "paper add trusted-list-entry FILE` puts one in.",
    "13(a)": "`trustworks statements publish` makes one of the configuration.",
    "13(b)": "`trustworks statements publish` makes one of the configuration.",
    "13(c)": "`trustworks statements publish` makes one of the configuration.",
    "13(l)": "`trustworks registration device add`, or a product of the kind device, lists one; none is "
    "given to users as far as is known here.",
    "13(m)": "`trustworks assurance product add` enters one.",
    "20": "Samples are taken of what authorities, units and seals have made.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is here for a point.

    `files` are names of files, `kinds` the kinds of the provider's documents among them; `whole` says that
    what the systems made is all that is asked for, whatever documents there are. `lacks` are sentences about
    what is not there.
    """

    files: tuple[str, ...] = ()
    kinds: frozenset[PaperKind] = frozenset()
    whole: bool = False
    lacks: tuple[str, ...] = ()


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-MISSING", disabled=())
def index(found: Mapping[str, Found]) -> tuple[Point, ...]:
    """All points in order, with what is here for each."""
    return tuple(
        _point(number, words, found.get(number, Found()), by_assessor=by_assessor)
        for number, words, by_assessor in POINTS
    )


def _point(number: str, words: str, found: Found, *, by_assessor: bool) -> Point:
    lacks = () if by_assessor else lacking(number, found)
    there = bool(found.files) or bool(found.kinds)
    if by_assessor:
        state, note = State.ASSESSOR, _BY_ASSESSOR
    elif not there:
        state, note = State.MISSING, " ".join(lacks)
    else:
        state, note = State.PART if lacks else State.PRESENT, " ".join(lacks)
    return Point(number=number, words=words, state=state, files=found.files, note=note)


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-SUPPLY", disabled=())
def lacking(number: str, found: Found) -> tuple[str, ...]:
    """What a point still lacks, each a sentence that says how to supply it; none where it is whole."""
    wanted = [
        (kind, use)
        for kind, use in PAPERS.items()
        if number in use.points and kind not in found.kinds and use.needed
    ]
    told = list(found.lacks)
    if not found.whole:
        told += [
            f"Missing: {use.words}; `trustworks assurance paper add {kind.value} FILE` puts it in."
            for kind, use in wanted
        ]
    if not found.files and not found.kinds and number in _HOW:
        told.insert(0, _HOW[number])
    return tuple(told)

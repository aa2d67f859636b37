"""What the engine answers, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Self


class Verdict(StrEnum):
    """How far the evidence carries. It is an argument, never a decision: others decide.

    `rank` is the order of what several conditions give together: the lowest wins. What does not hold does
    not hold whatever else is unknown; what is unknown is never taken as holding.
    """

    rank: int

    def __new__(cls, value: str, rank: int = 0) -> Self:
        """A verdict with its place in the order, which each below gives; who looks one up gives none."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.rank = rank
        return made

    STRONG = "strong", 4  # the certificate alone carries the argument
    ARGUED = "argued", 3  # certificate and the provider's own demonstration together
    PARTIAL = "partial", 2  # holds in part; what is not covered needs a recorded justification
    UNKNOWN = "unknown", 1  # a fact is missing or in conflict
    INSUFFICIENT = "insufficient", 0  # does not hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A fact that a verdict stands on: what it is, its value, and where it comes from.

    `evidence` is the SHA-256 of a file, where there is one; `stale` says that it was retrieved too long ago.
    """

    what: str
    value: str
    source: str
    evidence: str = ""
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule's answer: its id in the rule set, where the source says it, and what it found.

    `missing` names what is not at hand; `lift` says what would raise the answer; both empty where nothing
    would.
    """

    rule: str
    reference: str
    verdict: Verdict
    sentence: str
    facts: tuple[Used, ...] = ()
    missing: tuple[str, ...] = ()
    lift: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionVerdict:
    """One way in which evidence can be given, for one product in one process.

    `certificate` is the one that carries it furthest; None where the option needs none or none is at hand.
    `preferred` says that the source calls this option the stronger one. `begins` is the first day on which it
    can be taken, where that has not come: it is not in force yet, and the verdict is unknown.
    """

    option: str
    label: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    certificate: str | None = None
    preferred: bool = False
    begins: date | None = None

    @property
    def deciding(self) -> tuple[Reason, ...]:
        """The rules that hold it where it is."""
        return tuple(one for one in self.reasons if one.verdict is self.verdict)

    @property
    def nearness(self) -> tuple[int, ...]:
        """How near it is to carrying the argument, to be compared with others of its process.

        First its verdict. Then one with a certificate that was looked at is the nearest, and one whose
        certificate is not there the furthest, as it asks for more than its rules tell. Then the fewer rules
        hold it down the nearer, and the fewer pieces are missing; then the one that its source calls the
        stronger.
        """
        low = [one for one in self.reasons if one.verdict.rank < Verdict.ARGUED.rank]
        return (
            self.verdict.rank,
            self.certificate is not None,
            not any(one.rule == f"{self.option}.certificate" for one in self.reasons),
            -len(low),
            -sum(len(one.missing) for one in low),
            self.preferred,
        )


def standing(verdict: Verdict, begins: date | None) -> str:
    """A verdict in words, or from which day on there will be one."""
    return verdict.value if begins is None else f"not in force yet, from {begins} on"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessVerdict:
    """One process of one service with one product: the best of its options.

    `product` is None where nothing is bound to a process that needs one. `obligation` is False where the
    source calls it good practice only, or the service is not a qualified one. `note` is what the source says
    about the process itself, such as that no standard existed. `act` asks for it, in words; `begins` is that
    act's first day where it has not come: the process is not in force yet, which is no answer about the
    product, and the verdict is unknown.
    """

    service: str
    process: str
    product: str | None
    verdict: Verdict
    options: tuple[OptionVerdict, ...]
    conditions: tuple[Reason, ...] = ()
    obligation: bool = True
    note: str = ""
    act: str = ""
    begins: date | None = None

    @property
    def best(self) -> OptionVerdict | None:
        """The option that carries furthest, of equals the nearest to more, then the first of the rule set."""
        return max(self.options, key=lambda one: one.nearness, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceVerdict:
    """The weakest of a service's processes that are obligations."""

    service: str
    verdict: Verdict
    processes: tuple[ProcessVerdict, ...]

    @property
    def begins(self) -> date | None:
        """The day on which the first of its processes is in force; None where one is."""
        days = [one.begins for one in self.processes if one.begins is not None]
        return min(days) if days and len(days) == len(self.processes) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductVerdict:
    """The weakest of what a product is used for."""

    product: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one rule set answers about all that is known, on one day.

    `stale` are sources that are older than they may be. `unbound` are products or processes with a gap in the
    register itself.
    """

    rule_set: str
    title: str
    at: date
    services: tuple[ServiceVerdict, ...]
    products: tuple[ProductVerdict, ...]
    stale: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()

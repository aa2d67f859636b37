"""A rule set, as it is read from its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from trustworks.assurance.model import CertificateKind, Status, Verdict


@dataclass(frozen=True, slots=True)
class Span:
    """Whole numbers or days from `low` to `high`, both inclusive; None is without bound."""

    low: int | None
    high: int | None

    def holds(self, value: int) -> bool:
        """Whether the number is inside. Days are counted by their ordinals."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


# What a case accepts of one question: words, or spans.
Accepted: TypeAlias = frozenset[str | Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of a table: where every answer is among those that it accepts, this is the verdict.

    A question that `accepts` does not name may have any answer. `says`, `missing` and `lift` may hold the
    names of questions in braces, which stand for what was found.
    """

    accepts: Mapping[str, Accepted]
    verdict: Verdict
    says: str
    missing: tuple[str, ...] = ()
    lift: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A rule as a decision table: the questions that it asks, and its cases."""

    id: str
    reference: str
    words: str
    asks: tuple[str, ...]
    cases: tuple[Case, ...]


Parameter: TypeAlias = tuple[str, ...] | int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The rules that one way of an option takes, each of which has to hold.

    `certificates` are the kinds of which one has to be at hand; where that is empty, none is needed.
    `elements` are what has to be provided, in words. `parameters` are added to those of the set.
    """

    rules: tuple[str, ...]
    certificates: tuple[CertificateKind, ...] = ()
    elements: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row of a source's table: how evidence can be given.

    Most have one way; some are open to a product that was evaluated as well as to one that its provider
    shows to be in order. The best way counts. `act` is the one that made the option possible, where that is
    another than the one that asks for the process.
    """

    id: str
    reference: str
    label: str
    ways: tuple[Way, ...]
    preferred: bool = False
    where_to_check: str = ""
    act: Act | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A legal act of the source, and the first day on which it applies.

    `reference` says where that day is from; `source_status` whether we read it there, or computed it.
    `clauses` are its places by the ids of tables and options, where it does not have what they name.
    """

    id: str
    applies: date
    reference: str
    source_status: str
    clauses: Mapping[str, str] = field(default_factory=dict)


class Obligation(StrEnum):
    """Whether the source asks for it."""

    OBLIGATION = "obligation"
    GOOD_PRACTICE = "good-practice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of a service: its options, and the conditions that hold whatever the option.

    One that `follows` others is not bound to a product by itself: it is asked of every product that those
    are bound to. Processes of a `group` are operated together: where one has a product, all need one.
    `without_option` is the verdict where there are no options, as the source knew none. `act` asks for it:
    before its first day there is no answer but that it is not in force yet. `clauses` go before its act's.
    """

    service: str
    id: str
    reference: str
    label: str
    options: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    group: str = ""
    parameters: Mapping[str, Parameter]
    obligation: Obligation = Obligation.OBLIGATION
    note: str = ""
    without_option: Verdict | None = None
    act: Act | None = None
    clauses: Mapping[str, str] = field(default_factory=dict)

    def reference_of(self, asked: Table | Option) -> str:
        """Where a table or option stands for this process: as it says, as its act does, else as they do."""
        of_act = {} if self.act is None else self.act.clauses
        return self.clauses.get(asked.id) or of_act.get(asked.id) or asked.reference

    @property
    def applies(self) -> date | None:
        """The first day on which it is asked for; None where the source names no act."""
        return None if self.act is None else self.act.applies


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunset:
    """From a day on, all certificates of a standard stand otherwise, whatever was told before."""

    standard: str
    begins: date
    status: Status
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All that one source says: its tables, options and processes.

    `edition` is the day from which this reading of the source holds. `errata` are places where the source
    says one thing and means another: both are shown.
    """

    id: str
    title: str
    source: str
    edition: date
    words: str
    tables: Mapping[str, Table]
    options: Mapping[str, Option]
    processes: tuple[Process, ...]
    parameters: Mapping[str, Parameter]
    sunsets: tuple[Sunset, ...]
    acts: Mapping[str, Act]
    errata: tuple[tuple[str, str, str], ...]
    general: tuple[tuple[str, str, str], ...]
    sha256: str

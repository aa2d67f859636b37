"""What a planned change is, how it stands, and what an incident is drafted from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping  # noqa: TC003 - Pydantic reads it at run time
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from trustworks.assurance.changes.wording import WITH_ZONE, worded
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path

    from trustworks.core.audit import JSON

# Article 1(1) of (EU) 2025/2530, by its letters: what a change can be of, in our words.
ELEMENTS: Final[Mapping[str, str]] = {
    "a": "descriptions of services, policies, practice statements, terms",
    "b": "the technical architecture, or a trustworthy system or product",
    "c": "where technical components are hosted, or technical services for them",
    "d": "cryptographic techniques or materials in use",
    "e": "how subjects are registered and identified",
    "f": "the organisation or its governance",
    "g": "the termination plan",
    "h": "financial resources, liability insurance",
    "i": "what stands in the trusted list",
    "j": "third parties and the contracts with them",
}
Element = Literal["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
Expectable = Literal["serial", "manufacturer", "model", "hardware", "firmware", "library_sha256"]
# Fields of the register's product that no module tells, and that are a change of the product all the same.
Enterable = Literal["software", "variant"]

Line = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_STRICT: Final = ConfigDict(extra="forbid")
_MOST_TOLD: Final = 20  # of what is wrong with one plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document: evidence of a reason, or one that was brought up to date. `sha256` is of its file."""

    __pydantic_config__: ClassVar = _STRICT

    title: Line
    version: Annotated[str, Field(max_length=64)] = ""
    sha256: Sha256 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """A change that is planned: the fields of Article 1(2) of (EU) 2025/2530, and what will look different.

    `elements` are letters of Article 1(1). `product` is the register's, where the change is of one;
    `expected` says by the names of `Identity` what the module will say of itself after the change, and
    nothing else will differ; `entered` says what the register will have that no module tells. `urgent` says
    why there is less than a month between the plan and the change.
    """

    __pydantic_config__: ClassVar = _STRICT

    title: Line
    planned: datetime
    description: Text = ""
    reasons: Text = ""
    elements: Annotated[tuple[Element, ...], Field(min_length=1, max_length=10)]
    services: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    evidence: Annotated[tuple[Paper, ...], Field(max_length=100)] = ()
    documents: Annotated[tuple[Paper, ...], Field(max_length=100)] = ()
    product: Annotated[str, Field(max_length=64, pattern=r"^[!-~]*$")] = ""
    expected: Annotated[dict[Expectable, Line], Field(default_factory=dict, max_length=6)]
    entered: Annotated[dict[Enterable, Line], Field(default_factory=dict, max_length=2)]
    urgent: Text = ""

    @property
    def announced(self) -> dict[str, str]:
        """What the register holds of the product once the change is done."""
        return {str(name): value for name, value in (*self.expected.items(), *self.entered.items())}

    def values(self) -> dict[str, JSON]:
        """The plan as JSON values."""
        found = asdict(self)
        found["planned"] = self.planned.astimezone(UTC).isoformat()
        return found


class ChangeState(StrEnum):
    """How a change stands."""

    PLANNED = "planned"
    OBSERVED = "observed"  # the module differs as was expected
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAct:
    """One step of a change: what it came to, when, by whom and why."""

    state: ChangeState
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A planned change with its number and its steps, the oldest first; the first one planned it."""

    number: int
    plan: ChangePlan
    acts: tuple[ChangeAct, ...]

    @property
    def state(self) -> ChangeState:
        """How it stands."""
        return self.acts[-1].state


class IncidentOutcome(StrEnum):
    """How an incident ended."""

    SETTLED = "settled"  # the module is what the register says: put right, or a wrong entry was corrected
    ACCEPTED = "accepted"  # the module stays as it was found, and the register says so from now on
    SUPERSEDED = "superseded"  # a later incident of the same product has it


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an incident ended, on which day, and why; entered at a moment by an operator."""

    outcome: IncidentOutcome
    on: date
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What happened that nobody planned: what was noticed, when, about which product, and what it showed.

    `end` is None while nobody has closed it.
    """

    number: int
    at: datetime
    product: str
    services: tuple[str, ...]
    findings: tuple[str, ...]
    facts: Mapping[str, Any]
    end: End | None = None


@cache  # by the first plan that is read: a command is started without it
def _plans() -> TypeAdapter[ChangePlan]:
    return TypeAdapter(ChangePlan)


def plan_of(values: Any) -> ChangePlan:
    """A plan out of its values, as TOML or as they are kept. Raises `Malformed` with what is wrong where."""
    try:
        plan = _plans().validate_python(values)
    except ValidationError as error:
        names = [one.name for one in fields(ChangePlan)]
        wrong = worded(error.errors(include_url=False, include_input=False), ELEMENTS, names)
        wrong += _unmet(values, {where for where, _ in wrong})
        raise _refusal(wrong) from None
    if wrong := _unmet(plan.values() | {"planned": plan.planned}, set()):
        raise _refusal(wrong)
    return plan


def _unmet(values: Any, known: Container[str]) -> list[tuple[str, str]]:
    """What the fields of a plan ask of one another, where each is right by itself: place, sentence."""
    if not isinstance(values, dict):
        return []
    found = []
    planned = values.get("planned")
    bare = isinstance(planned, date) and (not isinstance(planned, datetime) or planned.tzinfo is None)
    if "planned" not in known and bare:
        found.append(("planned", WITH_ZONE))
    if (values.get("expected") or values.get("entered")) and not values.get("product"):
        told = (
            "it expects something of a product and names none: add product, as `trustworks assurance product "
        )
        found.append(("product", told + "list` shows it"))
    return found


def _refusal(wrong: Sequence[tuple[str, str]]) -> Malformed:
    """All that is wrong with a plan, at once."""
    told = [f"{where!a:.100}: {sentence}" for where, sentence in wrong[:_MOST_TOLD]]
    told += [f"and {len(wrong) - _MOST_TOLD} more"] if len(wrong) > _MOST_TOLD else []
    return Malformed(f"The plan of a change is wrong at {'; at '.join(told)}.")


def read_plan(file: Path) -> ChangePlan:
    """The plan in a TOML file. Raises `Malformed`."""
    try:
        return plan_of(tomllib.loads(file.read_bytes().decode()))
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{file} is no TOML: {error}.") from None

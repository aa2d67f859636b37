"""What ceremonies speak of: plan, participants, types; in the words of EN 319 411-1, 6.5.1."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from trustworks.core.ceremony.steps import (
    MAKES_ROOT,
    MAKES_SUB_CA,
    STRICT,
    AnyStep,
    Name,
    Person,
    Sentence,
)

CeremonyType = Literal[
    "initialise-token", "root", "sub-ca", "service-key", "backup", "restore", "transfer", "destroy"
]
# How a script is carried out: for good by people; on scratch tokens; for good without people (laboratories).
Mode = Literal["run", "rehearsal", "unattended"]

PLAN_KIND: Final = "ceremony.plan"  # what an approval of a plan says that it is about
TRANSCRIPT_KIND: Final = "ceremony.transcript"  # what a participant's signature of a transcript is about

Role = Literal[
    "security-officer",
    "registration-officer",
    "revocation-officer",
    "system-administrator",
    "operator",
    "auditor",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody who takes part: their name as an operator, the trusted role they act in, what they do.

    `approves`: one of those whose approval of the plan counts. `signs`: signs the transcript. `witness`:
    watches, does nothing else, and signs the transcript.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: Person
    role: Role
    function: Sentence
    approves: bool = False
    signs: bool = False
    witness: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The script of a ceremony, as it is reviewed and approved.

    `approvals` is how many of the participants who may have to approve it. `unattended`: nobody is there and
    nobody approves; laboratories alone run such a plan.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    version: Literal[1]
    type: CeremonyType
    name: Name
    purpose: Sentence
    place: Sentence
    day: date
    approvals: Annotated[int, Field(ge=0, le=20)]
    participants: Annotated[tuple[Participant, ...], Field(max_length=50)]
    steps: Annotated[tuple[AnyStep, ...], Field(min_length=1, max_length=500)]
    unattended: bool = False

    def participant(self, name: str) -> Participant | None:
        """The participant of that name."""
        return next((one for one in self.participants if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type of ceremony: which steps its script has, and whose signature its transcript needs.

    `needs`: for each entry, one of these kinds of steps must be there. `may`: the kinds of steps that it may
    have besides those that only look, by the names of `steps.act_of`. `signers` are roles, each of which
    signs the transcript; `witness`: an independent witness signs it too.
    """

    title: str
    needs: tuple[tuple[str, ...], ...]
    may: frozenset[str]
    signers: tuple[Role, ...] = ("security-officer",)
    witness: bool = False


# An authority that another certifies, from its token on; a root is made by the same and one step more.
_AUTHORITY: Final = frozenset(
    {"initialise-token", "generate-key", "drill-backup", MAKES_SUB_CA, "publish-crl", "certify-key"}
)
_MAKING: Final = (("inspect-module",), ("generate-key", "check-key"), ("make-authority",))

KINDS: Final[dict[str, Kind]] = {
    "initialise-token": Kind(
        title="A new token", needs=(("initialise-token",),), may=frozenset({"initialise-token"})
    ),
    "root": Kind(
        title="A root certification authority", needs=_MAKING, may=_AUTHORITY | {MAKES_ROOT}, witness=True
    ),
    "sub-ca": Kind(title="A certification authority below another", needs=_MAKING, may=_AUTHORITY),
    "service-key": Kind(
        title="A key of a service, and its certificate",
        needs=(("inspect-module",), ("generate-key", "check-key"), ("certify-key",)),
        may=frozenset({"generate-key", "drill-backup", "certify-key"}),
    ),
    "backup": Kind(
        title="The backup of a key, shown to bring it back",
        needs=(("inspect-module",), ("drill-backup",)),
        may=frozenset({"generate-key", "drill-backup"}),
    ),
    "restore": Kind(
        title="A key that comes back from its backup",
        needs=(("inspect-module",), ("restore-key",), ("check-key",)),
        may=frozenset({"restore-key", "drill-backup"}),
    ),
    "transfer": Kind(
        title="A key that comes to another module",
        needs=(("inspect-module",), ("transfer-key",), ("check-key",)),
        may=frozenset({"transfer-key", "drill-backup"}),
    ),
    "destroy": Kind(
        title="The destruction of a key",
        needs=(("destroy-key", "destroy-backup"),),
        may=frozenset({"destroy-key", "destroy-backup"}),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A plan as it was read; its digest is over `canonical` (RFC 8785), whatever the file's layout."""

    plan: Plan
    canonical: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal: what is approved, and what a run goes by."""
        return hashlib.sha256(self.canonical).hexdigest()

"""A termination plan, read from TOML: what (EU) 2025/2530, Article 3, asks for, and its steps."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import date  # noqa: TC003 - Pydantic reads it at run time
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from trustworks.core.audit.canonical import canonical
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed
from trustworks.core.settings import hyphens

if TYPE_CHECKING:
    from pathlib import Path

LARGEST: Final = 1_000_000  # octets of a plan's file
_STRICT: Final[dict[str, Any]] = {"extra": "forbid", "strict": True, "alias_generator": hyphens}

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Sentence = Annotated[str, Field(min_length=3, max_length=2000)]
PartyKind = Literal[
    "supervisory-body",
    "trusted-list-operator",
    "conformity-assessment-body",
    "subscribers",
    "relying-parties",
    "supplier",
    "other",
]
DocumentKind = Literal[
    "termination-procedures",
    "review-records",
    "audit-reports",
    "third-party-arrangements",
    "terms",
    "practice-statement",
    "policy",
    "other",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who is told. `name` is unique in the plan; `contact` is what the command of notices needs."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    kind: PartyKind
    name: Name
    contact: Sentence
    text: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that goes into the export; `file` is meant from the configuration's folder."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    kind: DocumentKind
    file: Annotated[str, Field(min_length=1, max_length=255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherKey:
    """A key besides those of the authorities that ends too, such as that of a time-stamping unit."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    token: Name
    label: Annotated[str, Field(min_length=1, max_length=64)]
    spki_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Custodian:
    """Who keeps the records accessible, and publishes the last lists and answers, until when."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    name: Sentence
    contact: Sentence
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan, as it is reviewed and approved. The names of its parts are those of docs/termination.md."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    version: Literal[1]
    name: Name
    purpose: Sentence
    scenario: Literal["anticipated", "unanticipated"]
    extent: Literal["complete", "partial"]
    day: date
    reviewed: date
    authorities: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)]
    compromised: tuple[Name, ...] = ()
    reason: Literal["cessationOfOperation", "superseded", "affiliationChanged", "unspecified"] = (
        "cessationOfOperation"
    )
    keys: Literal["destroy", "deactivate"]
    further_keys: tuple[FurtherKey, ...] = ()
    decommission: Annotated[tuple[Sentence, ...], Field(min_length=1)]
    trusted_list: Sentence
    subscribers: Sentence
    alternatives: Sentence
    risks: Sentence
    finances: Sentence
    custodian: Custodian
    parties: Annotated[tuple[Party, ...], Field(min_length=1, max_length=500)]
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A plan as it was read; its digest is over `canonical` (RFC 8785), whatever the file's layout."""

    plan: Plan
    canonical: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal: what is approved, and what a run goes by."""
        return hashlib.sha256(self.canonical).hexdigest()


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def read_file(file: Path) -> Read:
    """The plan in a file (TOML). Raises `Malformed` with every complaint, each with its place."""
    try:
        content = read_at_most(file, LARGEST)
    except OSError as error:
        raise Malformed(f"The plan {file} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise Malformed(f"The plan {file} is longer than {LARGEST:,} octets.")
    try:
        document = tomllib.loads(content.decode())
        # By way of JSON: what is strict there is what a plan's file should be, with lists and days in it.
        plan = _adapter().validate_json(json.dumps(document, default=str))
    except UnicodeDecodeError as error:
        raise Malformed(f"The plan {file} is not UTF-8 text (octet {error.start}).") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Malformed(f"The plan {file} is not TOML: {error}.") from None
    except ValidationError as error:
        told = [f"  {_complaint(detail)}" for detail in error.errors()]
        raise Malformed("\n".join([f"The plan {file} has {len(told)} problem(s):", *told])) from None
    return Read(plan=plan, canonical=canonical(as_values(plan)))


def as_values(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    found: dict[str, Any] = _adapter().dump_python(plan, mode="json", by_alias=True, exclude_none=True)
    return found


def _complaint(detail: Any) -> str:
    place = " ".join(str(part + 1) if isinstance(part, int) else str(part) for part in detail["loc"])
    told = {
        "unexpected_keyword_argument": "this key is unknown; see `trustworks termination plan`",
        "missing_keyword_only_argument": "this key is missing",
        "missing": "this key is missing",
    }.get(detail["type"], detail["msg"][:1].lower() + detail["msg"][1:])
    return f"{place or 'the whole'}: {told}."


def steps_of(plan: Plan) -> tuple[str, ...]:
    """What is done, in this order; each by its name in the records."""
    found = [f"notice:{one.name}" for one in plan.parties]
    found += [f"close:{name}" for name in plan.authorities]
    for name in plan.authorities:
        if name in plan.compromised:
            found.append(f"revoke-authority:{name}")
        found += [f"{what}:{name}" for what in ("revoke", "answers", "lists", "key")]
    found += [f"further-key:{one.token}/{one.label}" for one in plan.further_keys]
    return (*found, "export")

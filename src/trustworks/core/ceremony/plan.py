"""Reads a ceremony's plan, TOML or its canonical JSON, strictly: to a `Plan` and its digest."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from trustworks.core.audit.canonical import canonical
from trustworks.core.audit.reading import loads
from trustworks.core.ceremony.model import Plan, Read
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

LARGEST: Final = 1_000_000  # octets of a plan's file


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
    return read(content, named=str(file))


def read(content: bytes, *, named: str = "The plan") -> Read:
    """The plan that these octets are (TOML); `named`: what complaints call it. Raises `Malformed`."""
    try:
        document = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise Malformed(f"{named} is not UTF-8 text (octet {error.start}).") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Malformed(f"{named} is not TOML: {error}.") from None
    return from_values(document, named=named)


def from_values(document: Any, *, named: str = "The plan") -> Read:
    """The plan that a document says. Raises `Malformed`."""
    try:
        # By way of JSON: what is strict there is what a plan's file should be, with lists and days in it.
        plan = _adapter().validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        complaints = [f"  {_complaint(detail)}" for detail in error.errors()]
        raise Malformed("\n".join([f"{named} has {len(complaints)} problem(s):", *complaints])) from None
    return Read(plan=plan, canonical=canonical(as_values(plan)))


def from_canonical(content: bytes) -> Read:
    """The plan out of its canonical form, as a transcript and the database hold it. Raises `Malformed`."""
    found = loads(content)
    if not isinstance(found, dict) or canonical(found) != content:
        raise Malformed("This is no plan of a ceremony in its canonical form.")
    try:
        plan = _adapter().validate_json(json.dumps(found))
    except ValidationError as error:
        raise Malformed(f"This is no plan of a ceremony: {_complaint(error.errors()[0])}") from None
    return Read(plan=plan, canonical=content)


def as_values(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values. What is absent stays absent: plans of this version keep their digest."""
    found: dict[str, Any] = _adapter().dump_python(plan, mode="json", by_alias=True, exclude_none=True)
    return found


def _complaint(detail: ErrorDetails) -> str:
    """One problem, with its place as people count: the first step is steps 1."""
    place = " ".join(str(part + 1) if isinstance(part, int) else str(part) for part in detail["loc"])
    match detail["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            told = "this key is unknown; remove it, or see `trustworks keys ceremony plan`"
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            told = "this key is missing"
        case "union_tag_invalid" | "union_tag_not_found":
            told = f"write a kind of step that there is: {detail.get('ctx', {}).get('expected_tags', 'kind')}"
        case _:
            told = detail["msg"][:1].lower() + detail["msg"][1:]
    return f"{place or 'the whole'}: {told}."

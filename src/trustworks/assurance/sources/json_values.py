"""JSON from elsewhere: strict, so that nothing in it can be read in two ways.

The size is bounded by who reads; values that are nested too deep are an error of the parser.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trustworks.core.errors import BeyondLimit, Malformed

if TYPE_CHECKING:
    from trustworks.assurance.sources.imported import Limits


def parse(data: bytes, name: str, limits: Limits) -> Any:
    """The value of a JSON document. Raises `Malformed`, also where a member stands twice in one object."""
    if sum(map(data.count, (b",", b"[", b"{"))) > limits.elements:
        raise BeyondLimit(f"{name} has more than the {limits.elements} values that are read.", "elements")
    try:
        plain = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"{name} is no JSON in UTF-8: octet {error.start + 1}. Download it again.") from None
    try:
        return json.loads(plain, object_pairs_hook=_once, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{name} is no JSON: {str(error)[:200]}. Download it again.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the member {name!a:.60} stands twice in one object")
            seen.add(name)
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")

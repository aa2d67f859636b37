"""What is wrong with a value from outside, in the words of this program where Pydantic's speak of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

WITHOUT_QUOTES = ", without quotes"
_TABLE = "write a table with keys of its own"
_LIST = 'write a list, such as ["one", "two"]'
_WORDS = {
    "string_type": "write text in quotes",
    "is_instance_of": "write a path in quotes",
    "path_type": "write a path in quotes",
    "tuple_type": _LIST,
    "list_type": _LIST,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "dict_type": _TABLE,
    "literal_error": "write {expected}",
    "greater_than": "it must be greater than {gt}",
    "greater_than_equal": "it must be greater than or equal to {ge}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be less than or equal to {le}",
    "string_too_short": "it must have at least {min_length} character(s)",
    "string_too_long": "it must have at most {max_length} character(s)",
    "string_pattern_mismatch": "it must match {pattern}",
    "too_short": "it must have at least {min_length} of them",
    "too_long": "it must have at most {max_length} of them",
}


def first_causes(errors: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """The errors without those that only follow, about what holds something wrong."""
    found = list(errors)
    places = [one["loc"] for one in found]
    return [
        one
        for one in found
        if not any(
            len(place) > len(one["loc"]) and place[: len(one["loc"])] == one["loc"] for place in places
        )
    ]


def objection(detail: ErrorDetails, number: str = "", *, quotes: bool = True) -> str:
    """What to write instead. `number` says what a number may be, `quotes` whether text stands in quotes."""
    limits = detail.get("ctx", {})
    kind = detail["type"]
    bare = WITHOUT_QUOTES if quotes and isinstance(detail["input"], str) else ""
    if kind.startswith(("int_", "float_")):
        return f"write {number or ('a whole number' if kind.startswith('int_') else 'a number')}{bare}"
    if kind.startswith("bool_"):
        return f"write true or false{bare}"
    if kind.startswith("datetime_"):
        return "write a time with its zone, for example 2027-01-31T00:00:00Z"
    if kind in _WORDS:
        return _WORDS[kind].format(**limits)
    return detail["msg"].removeprefix("Value error, ")


_SECRETIVE = ("url", "source")  # the last words of keys that may hold a secret, by mistake or not


def given(detail: ErrorDetails) -> str:
    """The value that was given, unless it may hold a secret or is too much to print."""
    value = detail["input"]
    last = next((part for part in reversed(detail["loc"]) if isinstance(part, str)), "")
    secretive = last.replace("_", "-").rpartition("-")[2] in _SECRETIVE or "tokens" in detail["loc"]
    if not isinstance(value, str | int | float) or (secretive and not _is_public(last, value)):
        return ""
    return f" (given: {str(value).lower() if isinstance(value, bool) else repr(value)})"


def _is_public(key: str, value: object) -> bool:
    """Whether the value is a URL for everybody, in which no user and password can stand."""
    return key in {"public-url", "cps-url"} and "@" not in str(value)

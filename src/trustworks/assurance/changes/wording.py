"""What is wrong with the file of a plan, in sentences that say what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WITH_ZONE: Final = (
    "write the time with its zone, such as 2026-09-01T08:00:00Z; a day alone does not say when it begins"
)
# By the types of errors that Pydantic has for what a file can hold; braces stand for what an error tells.
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "it is missing",
    "missing_argument": "it is missing",
    "string_type": "write a text in quotation marks",
    "string_too_short": "write something",
    "string_too_long": "it is longer than {max_length} characters; shorten it",
    "tuple_type": "write a list in square brackets",
    "dict_type": 'write a table, such as {{ firmware = "7.5" }}',
    "dataclass_type": 'write a table, such as {{ title = "Practice statement" }}',
    "too_long": "it has more than {max_length} entries",
    "too_short": "write one at least",
}


def worded(
    errors: Sequence[Any], elements: Mapping[str, str], fields: Sequence[str]
) -> list[tuple[str, str]]:
    """Places and sentences of what Pydantic found; `elements` are letters with their meaning.

    The letters are told once, however many are wrong. `fields` are those of a plan.
    """
    found: list[tuple[str, str]] = []
    told = False
    for one in errors:
        steps = [str(each) for each in one["loc"] if each != "[key]"]
        sentence = _sentence(one, steps, fields)
        if steps[:1] == ["elements"]:
            if one["type"] == "too_short" and found:
                continue  # the wrong letters were left out before they were counted
            letters = "; ".join(f"{letter}: {words}" for letter, words in elements.items())
            asked = "letters of Article 1(1) of (EU) 2025/2530 say what the change is of, in a list"
            sentence = "it is no such letter" if told else f'{asked}, such as ["b"]. {letters}'
            told = True
        found.append((".".join(steps) or "the file", sentence))
    return found


def _sentence(one: Any, steps: list[str], fields: Sequence[str]) -> str:
    """The sentence of one error; where there is none of our own, Pydantic's."""
    kind, context = one["type"], one.get("ctx", {})
    if steps == ["planned"] and kind not in {"missing", "missing_argument"}:
        return WITH_ZONE
    if kind == "unexpected_keyword_argument":
        return (
            f"a plan has no such field; there are: {', '.join(fields)}"
            if len(steps) == 1
            else "there is no such field"
        )
    if kind == "literal_error":
        return f"this cannot be told of a product here; there are: {context.get('expected', '')}"
    if kind == "string_pattern_mismatch":
        if steps[-1:] == ["sha256"]:
            return "it is no SHA-256 in hexadecimal: 64 digits and letters a to f"
        return "it is no name of a product, as `trustworks assurance product list` shows them"
    return _SENTENCES[kind].format(**context) if kind in _SENTENCES else str(one["msg"])

"""Which of several media types a client wants (RFC 9110, 12.5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def wanted(accept: str, offered: Sequence[str]) -> str | None:
    """The offered media type that an Accept header likes best; None where it takes none of them.

    Of those that it likes alike the first that is offered. Without a header that is the first of all.
    """
    ranges = [_range(one) for one in accept.split(",") if one.strip()]
    if not ranges:
        return offered[0]
    best, weight = None, 0.0
    for media_type in offered:
        found = _weight(media_type, ranges)
        if found > weight:
            best, weight = media_type, found
    return best


def _range(text: str) -> tuple[str, float]:
    name, _, parameters = text.partition(";")
    weight = 1.0
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                weight = min(max(float(value), 0.0), 1.0)
            except ValueError:
                weight = 0.0
    return name.strip().lower(), weight


def _weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """By the range that says most about the type."""
    kind = media_type.partition("/")[0]
    for named in (media_type, f"{kind}/*", "*/*"):
        found = [weight for name, weight in ranges if name == named]
        if found:
            return max(found)
    return 0.0

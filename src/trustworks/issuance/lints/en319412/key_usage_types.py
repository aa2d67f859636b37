"""The key usage settings A to F of EN 319 412-2, 4.3.2, table 1."""

from __future__ import annotations

SIGN = "digital_signature"
COMMIT = "content_commitment"
KEYS = ("key_encipherment", "key_agreement")

TYPES: dict[frozenset[str], str] = {
    frozenset({COMMIT}): "A",
    frozenset({COMMIT, SIGN}): "B",
    frozenset({SIGN}): "C",
    **{frozenset({SIGN, usage}): "D" for usage in KEYS},
    **{frozenset({usage}): "E" for usage in KEYS},
    **{frozenset({COMMIT, SIGN, usage}): "F" for usage in KEYS},
}


def key_usage_type(usages: frozenset[str]) -> str | None:
    """The type of these usages, or None when they are none of the six."""
    return TYPES.get(usages)

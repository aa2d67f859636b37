"""Ties a rule in code to the requirement of the standard that it carries out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def implements(*requirement_ids: str, disabled: object = None) -> Callable[[F], F]:
    """Mark a pure function as the rule that carries out the named requirements.

    The mark costs nothing at run time. The static scan of `trustworks assurance trace` joins it with the
    register under ``requirements/`` and with the tests that carry the same ids.

    `disabled` is what a rule answers that objects to nothing; the mutation check puts it in the rule's place
    and expects its test to fail. Where no one value is an answer to all, it is a function that takes what the
    rule takes (after the rule itself, if its first argument is called `rule`) and does what would be done
    without the requirement. It may be left out where the rule answers None, or a tuple of any length.
    """
    del disabled

    def mark(rule: F) -> F:
        rule.__requirements__ = requirement_ids  # type: ignore[attr-defined]  # a mark on a function
        return rule

    return mark

"""Ties a rule in code to the requirement of the standard that it carries out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def implements(*requirement_ids: str, disabled: object = None) -> Callable[[F], F]:
    """Mark a pure function as the rule that carries out the named requirements.

    The mark costs nothing at run time. The static scan of `trustworks assurance trace` joins it with the
    register under ``requirements/`` and with the tests that carry the same ids. `disabled` is the answer of a
    rule that objects to nothing; the mutation check puts it in the rule's place and expects its test to fail.
    """
    del disabled

    def mark(rule: F) -> F:
        rule.__requirements__ = requirement_ids  # type: ignore[attr-defined]  # a mark on a function
        return rule

    return mark

"""Ties a rule in code to the requirement of the standard that it carries out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from trustworks.core.errors import Malformed, Refused, Rejected

if TYPE_CHECKING:
    from types import CodeType

F = TypeVar("F", bound=Callable[..., object])

_RULES: Final[dict[CodeType, str]] = {}  # the first requirement of each rule, by its code


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
        code = getattr(rule, "__code__", None)
        if code is not None:
            _RULES[code] = requirement_ids[0]
        return rule

    return mark


def rule_of(error: BaseException) -> str | None:
    """The requirement that an error is about: the one it names, else that of the rule that raised it.

    None where no rule did. The rule is the innermost function of the traceback that `implements` marks.
    """
    if isinstance(error, Refused):
        return error.requirement
    found = None
    if isinstance(error, Malformed | Rejected):
        step = error.__traceback__
        while step is not None:
            found = _RULES.get(step.tb_frame.f_code, found)
            step = step.tb_next
    return found


def with_rule(error: BaseException) -> str:
    """An error's sentence with the requirement behind it, where an interface has no other place for it."""
    rule = rule_of(error)
    return str(error) if rule is None or rule in str(error) else f"{error} ({rule})"

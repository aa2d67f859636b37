"""Which requirement an error is about."""

from __future__ import annotations

import pytest

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.trace import implements, rule_of, with_rule

ERRORS = {
    "rejected": Rejected("a.code", "No."),
    "malformed": Malformed("No."),
    "unavailable": Unavailable("a.code", "No."),
    "refused": Refused("TRUSTWORKS:ANOTHER", "No."),
}


def raising(kind: str) -> None:
    raise ERRORS[kind]


def inner(kind: str) -> None:
    raising(kind)


def outer(kind: str) -> None:
    inner(kind)


@pytest.fixture(autouse=True)
def fresh() -> None:
    for error in ERRORS.values():
        error.__traceback__ = None


def caught(kind: str) -> BaseException:
    with pytest.raises(type(ERRORS[kind])) as found:
        outer(kind)
    return found.value


def test_the_innermost_rule_that_raised_it_counts() -> None:
    assert rule_of(caught("rejected")) is None
    assert with_rule(caught("rejected")) == "No."
    fresh_error()
    implements("TRUSTWORKS:OUTER")(outer)
    assert rule_of(caught("rejected")) == "TRUSTWORKS:OUTER"
    fresh_error()
    implements("TRUSTWORKS:INNER", "TRUSTWORKS:MORE")(inner)
    assert rule_of(caught("rejected")) == "TRUSTWORKS:INNER"
    assert with_rule(caught("malformed")) == "No. (TRUSTWORKS:INNER)"
    assert rule_of(caught("refused")) == "TRUSTWORKS:ANOTHER"
    assert rule_of(caught("unavailable")) is None  # a resource is not there: no rule is against it
    assert rule_of(Rejected("a.code", "Never raised.")) is None


def fresh_error() -> None:
    for error in ERRORS.values():
        error.__traceback__ = None

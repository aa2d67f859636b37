"""Canonical JSON against RFC 8785 and the library that is its judge here."""

from __future__ import annotations

import enum
import json
from collections import UserDict, UserList
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from trustworks.core.audit.canonical import canonical

pytestmark = pytest.mark.req("TRUSTWORKS:AUDIT-12")

EXACT = 2**53 - 1
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(values)
def test_as_the_library_writes_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert json.loads(canonical(value), parse_int=float) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(5e-324)
@example(-1.7976931348623157e308)
@example(9007199254740992.0)
@example(1e21)
@example(999999999999999900000.0)
@example(1e-6)
@example(1e-7)
@example(-0.0)
def test_numbers(value: float) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_the_example_of_the_standard() -> None:
    # RFC 8785, 3.2.2 and 3.2.3.
    value: Any = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert (
        canonical(value)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_names_sort_by_utf16() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    assert list(json.loads(canonical(dict.fromkeys(names, 0)))) == [
        "\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), {1: "a"}, {"a": object()}, b"bytes", {"a": {1, 2}},
     "\ud800", {"\ud800": 1}, {None: 1}],
)  # fmt: skip
def test_what_cannot_be_written(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(value)


def test_values_that_behave_like_json() -> None:
    class Word(enum.StrEnum):
        ONE = "one"

    class Number(enum.IntEnum):
        TWO = 2

    value = UserDict({"a": UserList([Word.ONE, Number.TWO, (1.5,)])})
    assert canonical(value) == b'{"a":["one",2,[1.5]]}'  # type: ignore[arg-type]

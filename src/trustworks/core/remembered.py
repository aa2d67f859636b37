"""Results that are remembered for as long as there is room, of short arguments only."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_R = TypeVar("_R")

LONGEST: Final = 8192
"""Octets or characters of all arguments together; more than certificates and names have in practice."""


def remembered(most: int) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Remembers the results of a function, so many of them, by its arguments.

    Arguments come out of strangers' files: a cache that is bounded by a number alone holds so many of any
    length, for as long as the process lives. What is longer than `LONGEST` is computed each time.
    """

    def made(function: Callable[_P, _R]) -> Callable[_P, _R]:
        kept = cast("Callable[_P, _R]", lru_cache(maxsize=most)(function))

        @wraps(function)
        def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            left = LONGEST
            for one in args:  # a loop, and no sum of them: this is called for every element of a document
                if isinstance(one, (bytes, str)):  # only those with a length are strangers'
                    left -= len(one)
            return kept(*args, **kwargs) if left >= 0 else function(*args, **kwargs)

        return called

    return made

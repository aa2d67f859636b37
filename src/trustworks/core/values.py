"""Dataclasses that cost little to define and to make: `dataclass` as in the standard library.

The library's own writes up to seven functions for every class as text and compiles them, which takes a
millisecond; a command loads hundreds of classes and uses few. Here the functions are shared, but for
``__init__``, which is compiled when it is first asked for. Of a frozen class it fills the slots
themselves, in two thirds of the time. All else is the library's: `field`, `fields`, `replace`, `asdict`, and
what type checkers know of it. Not taken: ``order``, ``unsafe_hash``, ``InitVar``, and an ``__init__`` of the
class's own, which nobody here uses. Why it is here: docs/adr/0021-dataclasses-that-start-fast.md.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from reprlib import recursive_repr
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["dataclass"]


def _dataclass(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
) -> Any:
    """A class of its annotated fields; the options are those of `dataclasses.dataclass`.

    Raises:
        TypeError: the class defines what is defined here, or its fields cannot be arguments in their order.
    """

    def made(plain: type) -> type:
        written_here = ("__init__", "__setattr__", "__delattr__") if frozen else ("__init__",)
        for name in written_here:
            if name in vars(plain):
                raise TypeError(f"Cannot overwrite attribute {name} in class {plain.__name__}")
        if plain.__doc__ is None:
            plain.__doc__ = ""  # else the library writes one, out of the signature
        # Whether a class may be below another, the library says, and by itself.
        below = frozen and any(map(dataclasses.is_dataclass, plain.__mro__[1:]))
        described: type = dataclasses.dataclass(
            init=False, repr=False, eq=False, frozen=below, slots=slots, kw_only=kw_only
        )(plain)
        return _completed(described, frozen=frozen, eq=eq)

    return made if cls is None else made(cls)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass


def _completed(cls: Any, *, frozen: bool, eq: bool) -> type:
    own = vars(cls)
    _check_order(cls)
    members: dict[str, object] = {"__init__": _FirstInit(cls)}
    if "__repr__" not in own:
        members["__repr__"] = _repr
    if eq:
        if "__eq__" not in own:
            members["__eq__"] = _eq([one.name for one in fields(cls) if one.compare])
        if own.get("__hash__") is None:  # Python puts None there, where a class defines __eq__ alone
            hashed = [one.name for one in fields(cls) if (one.compare if one.hash is None else one.hash)]
            members["__hash__"] = _hash(hashed) if frozen else None
    told = cls.__dataclass_params__
    told.init, told.repr, told.eq, told.frozen = True, True, eq, frozen
    if frozen:
        members.update(_guards(cls))
        if "__slots__" in own:
            states = {"__getstate__": _state, "__setstate__": _restore}
            members.update({name: one for name, one in states.items() if name not in own})
    for name, member in members.items():
        setattr(cls, name, member)
    return cls  # type: ignore[no-any-return]


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _values(names: Sequence[str]) -> Callable[[object], Any]:
    """What gives the values of some fields together."""
    return attrgetter(*names) if names else lambda _: ()


def _eq(names: Sequence[str]) -> Callable[[object, object], bool]:
    values = _values(names)

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        if other.__class__ is self.__class__:
            return self is other or bool(values(self) == values(other))
        return NotImplemented

    return __eq__


def _hash(names: Sequence[str]) -> Callable[[object], int]:
    values = _values(names)
    return lambda self: hash(values(self))


def _guards(cls: Any) -> dict[str, object]:
    """What keeps a frozen object as it is. A class below it may have further attributes."""
    names = frozenset(one.name for one in fields(cls))

    def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: object, name: str) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


def _state(self: Any) -> list[object]:
    """For pickle and copy: by the fields, for nothing may be set the usual way."""
    return [getattr(self, one.name) for one in fields(self)]


def _restore(self: Any, state: list[object]) -> None:
    for one, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


def _check_order(cls: type) -> None:
    """No field without a default comes after one that has one, by position."""
    before = False
    for one in fields(cls):
        if one.init and not one.kw_only:
            optional = one.default is not MISSING or one.default_factory is not MISSING
            if before and not optional:
                raise TypeError(f"non-default argument {one.name!r} follows default argument")
            before = before or optional


class _FirstInit:
    """Stands for the initialiser until somebody asks for it, to call it or to look at it."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        made = self._cls.__init__ = _init(self._cls)
        return made.__get__(instance, owner)


def _init(cls: type) -> Callable[..., None]:
    known: dict[str, Any] = {"_missing": MISSING}
    positional, named = ["self"], ["*"]
    types: dict[str, object] = {}
    body = []
    for one in fields(cls):
        parameter = one.name
        if one.default is not MISSING:
            known[f"_default_{one.name}"] = one.default
            parameter = f"{one.name}=_default_{one.name}"
        elif one.default_factory is not MISSING:
            known[f"_make_{one.name}"] = one.default_factory
            parameter = f"{one.name}=_missing"
        elif not one.init:
            continue  # whoever makes it sets it
        if one.init:
            (named if one.kw_only else positional).append(parameter)
            types[one.name] = one.type
        body.append(_filled(cls, one, known))
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join([*positional, *(named if len(named) > 1 else ())])
    exec(f"def __init__({parameters}):\n  " + "\n  ".join(body or ["pass"]), known)  # noqa: S102 - names of fields
    init: Callable[..., None] = known["__init__"]
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    init.__annotations__ = {**types, "return": None}
    return init


def _filled(cls: type, one: Field[Any], known: dict[str, Any]) -> str:
    """The line by which a field gets its value: into its slot, past the guards."""
    name = value = one.name
    if one.default_factory is not MISSING:
        value = f"_make_{name}() if {name} is _missing else {name}" if one.init else f"_make_{name}()"
    elif not one.init:
        value = f"_default_{name}"
    slot = next((vars(kind)[name] for kind in cls.__mro__ if name in vars(kind)), None)
    if isinstance(slot, MemberDescriptorType):
        known[f"_fill_{name}"] = slot.__set__
        return f"_fill_{name}(self, {value})"
    return f"self.__dict__[{name!r}] = {value}"

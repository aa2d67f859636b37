"""Our dataclasses behave as those of the standard library, which stand beside them here."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

from trustworks.core import values

BOTH = pytest.mark.parametrize("dataclass", [dataclasses.dataclass, values.dataclass])


@values.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """At the top of a module, as pickle needs it."""

    name: str
    parts: tuple[int, ...] = ()
    hidden: list[int] = field(default_factory=list, init=False, repr=False, compare=False)


def shapes(dataclass: Any) -> tuple[Any, ...]:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        one: int
        two: str = "two"
        three: list[int] = field(default_factory=list, hash=False)
        four: int = field(default=4, repr=False, compare=False)
        kind: ClassVar[str] = "kind"

    @dataclass(frozen=True)
    class Open:
        one: int
        two: str = "two"

        @cached_property
        def both(self) -> str:
            return f"{self.one}{self.two}"

    @dataclass(slots=True)
    class Changing:
        one: int
        two: list[int] = field(default_factory=list)
        three: int = field(default=3, init=False)

    @dataclass(frozen=True, eq=False)
    class Itself:
        one: int

    @dataclass
    class Bare:
        pass

    return Frozen, Open, Changing, Itself, Bare


@BOTH
def test_objects_are_made_shown_and_compared(dataclass: Any) -> None:
    frozen, open_, changing, itself, bare = shapes(dataclass)
    assert repr(frozen(one=1)).endswith(".Frozen(one=1, two='two', three=[])")
    assert repr(open_(1, two="b")).endswith(".Open(one=1, two='b')")
    assert repr(changing(1)).endswith(".Changing(one=1, two=[], three=3)")
    assert frozen(one=1, four=5) == frozen(one=1) != frozen(one=2)
    assert frozen(one=1) != open_(1)
    assert hash(frozen(one=1, three=[1])) == hash(frozen(one=1))
    assert {open_(1), open_(1), open_(2)} == {open_(1), open_(2)}
    assert itself(1) != itself(1)
    assert len({itself(1), itself(1)}) == 2
    assert bare() == bare()
    assert changing(1).two is not changing(1).two
    assert changing.__hash__ is None
    assert [one.name for one in fields(frozen)] == ["one", "two", "three", "four"]
    assert asdict(open_(1)) == {"one": 1, "two": "two"}
    assert replace(frozen(one=1), two="other") == frozen(one=1, two="other")
    assert frozen.__match_args__ == ()
    assert open_.__match_args__ == ("one", "two")


@BOTH
def test_what_is_frozen_stays_as_it_is(dataclass: Any) -> None:
    frozen, open_, changing, *_ = shapes(dataclass)
    for one in (frozen(one=1), open_(1)):
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'one'"):
            one.one = 2
        with pytest.raises(FrozenInstanceError, match="cannot delete field 'one'"):
            del one.one
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            one.other = 2
    assert open_(1).both == "1two"
    one = changing(1)
    one.one = 2
    assert one == changing(2)

    class Below(open_):  # type: ignore[misc,valid-type]
        pass

    below = Below(1)
    below.further = 3
    with pytest.raises(FrozenInstanceError):
        below.one = 2


@BOTH
@pytest.mark.parametrize(
    ("given", "named"), [((), {}), ((1,), {}), ((), {"one": 1, "five": 5}), ((), {"one": 1, "kind": "x"})]
)
def test_wrong_arguments_are_refused_by_name(dataclass: Any, given: Any, named: Any) -> None:
    frozen = shapes(dataclass)[0]
    for _ in range(2):  # the second time by the initialiser itself
        with pytest.raises(TypeError, match=r"Frozen\.__init__\(\)"):
            frozen(*given, **named)


@BOTH
def test_classes_build_on_each_other_and_on_what_they_define(dataclass: Any) -> None:
    @dataclass(frozen=True, slots=True)
    class Upper:
        one: int
        two: int = 2

        def __post_init__(self) -> None:
            if self.one < 0:
                raise ValueError("less than nothing")

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Lower(Upper):
        three: int = 3

        def __repr__(self) -> str:
            return "shown by itself"

    @dataclass(frozen=True)
    class Equal:
        one: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    assert Lower(1, three=4) == Lower(1, 2, three=4) != Upper(1, 2)
    assert vars(Lower)["__slots__"] == ("three",)
    assert repr(Lower(1)) == "shown by itself"
    assert Equal(1) == Equal(2)
    assert hash(Equal(1)) == 7
    with pytest.raises(ValueError, match="less than nothing"):
        Lower(-1)
    with pytest.raises(FrozenInstanceError):
        Lower(1).one = 2
    with pytest.raises(TypeError, match="cannot inherit"):

        @dataclass
        class Changing(Upper):
            pass


@BOTH
def test_what_holds_itself_is_shown_nevertheless(dataclass: Any) -> None:
    changing = shapes(dataclass)[2]
    one = changing(1)
    one.two.append(one)
    assert repr(one).endswith("Changing(one=1, two=[...], three=3)")


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("name", ["__init__", "__setattr__", "__delattr__"])
def test_what_a_class_defines_itself_is_not_overwritten_in_silence(name: str, slots: bool) -> None:
    """The library keeps the first and refuses the others."""
    given = {"__annotations__": {"one": int}, name: lambda *_: None}
    with pytest.raises(TypeError, match=f"Cannot overwrite attribute {name} in class Own"):
        values.dataclass(frozen=True, slots=slots)(type("Own", (), dict(given)))
    if name != "__init__":
        own: Any = values.dataclass(slots=slots)(type("Own", (), dict(given)))
        assert vars(own)[name] is given[name]


@BOTH
def test_fields_that_cannot_be_arguments_in_their_order_are_refused_at_once(dataclass: Any) -> None:
    given = {"__annotations__": {"one": int, "two": int}, "one": 1}
    with pytest.raises(TypeError, match="non-default argument 'two' follows default argument"):
        dataclass(type("Wrong", (), dict(given)))
    assert dataclass(kw_only=True)(type("Right", (), dict(given)))(two=2).one == 1
    upper = dataclass(type("Upper", (), {"__annotations__": {"one": int}, "one": 1}))
    with pytest.raises(TypeError, match="non-default argument 'two' follows default argument"):
        dataclass(type("Lower", (upper,), {"__annotations__": {"two": int}}))


@BOTH
def test_what_a_class_is_called_with_is_known_before_it_is_called(dataclass: Any) -> None:
    frozen, open_, changing, itself, bare = shapes(dataclass)
    assert str(inspect.signature(open_)) == "(one: 'int', two: 'str' = 'two') -> None"
    assert str(inspect.signature(bare)) == "() -> None"
    assert list(inspect.signature(changing.__init__).parameters) == ["self", "one", "two"]
    kinds = {one.kind for one in inspect.signature(frozen).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
    for one, expected in ((frozen, (True, True)), (changing, (True, False)), (itself, (False, True))):
        told = one.__dataclass_params__
        assert (told.eq, told.frozen) == expected
        assert told.init
        assert told.repr


@BOTH
def test_a_class_below_calls_what_it_is_above(dataclass: Any) -> None:
    open_ = shapes(dataclass)[1]

    class Below(open_):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            super().__init__(1, two="b")

    assert (Below().both, open_(2).both) == ("1b", "2two")


@BOTH
def test_a_class_may_say_itself_what_is_copied(dataclass: Any) -> None:
    @dataclass(frozen=True, slots=True)
    class Counted:
        one: int

        def __getstate__(self) -> list[object]:
            return [self.one + 1]

    assert copy.copy(Counted(1)).one == 2


def test_what_is_frozen_is_copied_and_pickled() -> None:
    one = Kept(name="a", parts=(1, 2))
    one.hidden.append(3)
    pickled = pickle.loads(pickle.dumps(one))  # noqa: S301 - made here
    for other in (pickled, copy.copy(one), copy.deepcopy(one)):
        assert other == one
        assert other.hidden == [3]
    assert copy.deepcopy(one).hidden is not one.hidden


def test_what_the_commands_load_most_of_defines_its_classes_by_it() -> None:
    """Where a process starts for one file, what it loads is most of what it costs."""
    source = Path(values.__file__).parents[1]
    folders = ("core/der", "core/pki", "core/xml", "formats", "validation")
    modules = [one for folder in folders for one in (source / folder).rglob("*.py")]
    assert len(modules) > 100
    library = re.compile(r"^from dataclasses import .*\bdataclass\b|^import dataclasses\b", re.MULTILINE)
    assert [one for one in modules if library.search(one.read_text("utf-8"))] == []

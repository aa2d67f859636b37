"""A validation policy: what each constraint does when it is not met, and which algorithms are acceptable.

A policy is a TOML file (docs/validation-policies.md). Several are shipped; every other builds on one of them
or stands alone. An unknown key is an error, so that no constraint is thought to hold by a misspelling.

Source: EN 319 102-1, 5.1.4.2 (validation constraints); TS 119 172-1, annex A.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import field, replace
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.findings import FINDINGS
from trustworks.validation.model import Level
from trustworks.validation.policies import suites
from trustworks.validation.policies.constraints import HAVE_PATHS, TABLE, UNSWITCHABLE, Context, Kind, Section
from trustworks.validation.policies.path_inputs import (
    NAMES_OF_INPUTS,
    NO_INPUTS,
    PATH_VALIDATION,
    PathInputs,
    read_path_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trustworks.validation.policies.constraints import Known

SHIPPED: Final = ("ades", "qualified", "preservation")
"""Names of the policies in this package; the first is the default."""


class Model(StrEnum):
    """At what time the certificates of a path must be valid (EN 319 102-1, 5.2.6.4)."""

    SHELL = "shell"
    """All of them at the time of validation."""
    CHAIN = "chain"
    """Each when the certificate below it was issued."""
    HYBRID = "hybrid"
    """All of the authorities' when the signer's was issued."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a policy says about one constraint. `values` and `limit` are of the kinds that have them."""

    level: Level
    values: tuple[str, ...] = ()
    limit: timedelta | None = None

    @property
    def ignored(self) -> bool:
        """Whether nobody asks."""
        return self.level is Level.IGNORE

    def accepts(self, value: str) -> bool:
        """Whether a value is one of those listed; ``*`` stands for any."""
        return "*" in self.values or value in self.values


@implements("EN319102-1:5.1.4-UNSWITCHABLE", disabled=lambda _name, constraint: constraint)
def in_force(name: str, constraint: Constraint) -> Constraint:
    """A constraint as it counts: one that no policy may lower fails.

    That the value and the signed data are verified, and that a path leads to a trust anchor, is what
    validation is; EN 319 102-1 leaves none of it to a policy (5.2.6.4, 5.2.7.4).
    """
    return _ALWAYS if name in UNSWITCHABLE else constraint


_ALWAYS: Final = Constraint(Level.FAIL)
E = TypeVar("E", bound=StrEnum)
Key = tuple[Context, Section, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Constraints by context, section and name. What a policy does not set has the table's default.

    `identifier` is an OID or URI, for reports; `findings` are levels for findings of readers, by their code
    (``xades.duplicate-id``), in place of what their weight says. `path_inputs` are what paths of a context
    begin with, where that is not any policy and any name. `not_taken` are sentences about what the file of
    another validator asks, and this policy does not.
    """

    name: str
    identifier: str
    description: str
    model: Model
    suite: suites.Suite
    constraints: Mapping[Key, Constraint]
    findings: Mapping[str, Level] = field(default_factory=dict)
    path_inputs: Mapping[Context, PathInputs] = field(default_factory=dict)
    not_taken: tuple[str, ...] = ()
    _asked: dict[Key, Constraint] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was found for whoever asked: a validation asks two hundred times, always the same."""

    def constraint(self, context: Context, name: str, section: Section = Section.OWN) -> Constraint:
        """The constraint of that name. What is not set for counter-signatures is as for signatures."""
        asked = (context, section, name)
        found = self._asked.get(asked)
        if found is None:
            found = self._asked[asked] = self._constraint(context, name, section)
        return found

    def _constraint(self, context: Context, name: str, section: Section) -> Constraint:
        found = self.constraints.get((context, section, name))
        if found is None and context is Context.COUNTER_SIGNATURE:
            found = self.constraints.get((Context.SIGNATURE, section, name))
        if found is None:
            return Constraint(TABLE[context][section][name].default)
        return in_force(name, found)

    def level(self, context: Context, name: str, section: Section = Section.OWN) -> Level:
        """What happens when it is not met."""
        return self.constraint(context, name, section).level

    def path_inputs_in(self, context: Context) -> PathInputs:
        """What paths of a context begin with. What is not set for counter-signatures is as for signatures."""
        found = self.path_inputs.get(context)
        if found is None and context is Context.COUNTER_SIGNATURE:
            found = self.path_inputs.get(Context.SIGNATURE)
        return NO_INPUTS if found is None else found


@implements("TS119441:VPR-8.1-05", disabled=lambda name: parse('name = ""\nidentifier = ""', name))
@cache
def shipped(name: str = SHIPPED[0]) -> Policy:
    """A policy of this package by its name in `SHIPPED`.

    Raises:
        Malformed: there is none of that name.
    """
    if name not in SHIPPED:
        raise Malformed(
            f"There is no validation policy {name}; there are {', '.join(SHIPPED)}, or give a file."
        )
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
    return parse(text, name)


def load(path: Path) -> Policy:
    """A policy from a TOML file.

    Raises:
        Malformed: the file is no policy; the sentence says which key is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"The validation policy {path} cannot be read: {error}.") from error
    return parse(text, str(path))


def parse(text: str, source: str = "the validation policy") -> Policy:
    """A policy from the text of a TOML file; `source` is what errors call it. Raises `Malformed`."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Malformed(f"{source} is no TOML: {error}.") from error
    return _Reader(source).policy(data)


_HEAD: Final = ("name", "identifier", "description", "based-on", "model", "suite", "findings")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d{1,9})([smhd])")


@dataclass(frozen=True, slots=True)
class _Reader:
    source: str

    def policy(self, data: Mapping[str, Any]) -> Policy:
        contexts = [context.value for context in Context]
        self._known(data, (*_HEAD, *contexts), "")
        based_on = data.get("based-on")
        if based_on is not None:
            base = shipped(self._text(based_on, "based-on"))
        else:
            base = Policy(
                name="", identifier="", description="", model=Model.SHELL,
                suite=suites.shipped(suites.SHIPPED[0]), constraints=MappingProxyType({}),
            )  # fmt: skip
        found = dict(base.constraints)
        inputs = dict(base.path_inputs)
        for context in Context:
            table = dict(self._table(data.get(context.value, {}), context.value))
            if context in HAVE_PATHS and PATH_VALIDATION in table:
                inputs[context] = self._path_inputs(context, table.pop(PATH_VALIDATION), inputs)
            self._context(context, table, found)
        return replace(
            base,
            name=self._text(data.get("name"), "name"),
            identifier=self._text(data.get("identifier"), "identifier"),
            description=self._text(data.get("description", ""), "description"),
            model=self._one_of(Model, data.get("model", base.model), "model"),
            suite=suites.shipped(self._text(data["suite"], "suite")) if "suite" in data else base.suite,
            constraints=MappingProxyType(found),
            path_inputs=MappingProxyType(inputs),
            findings=MappingProxyType({**base.findings, **self._findings(data.get("findings", {}))}),
        )

    def _findings(self, value: object) -> dict[str, Level]:
        table = self._table(value, "findings")
        for code in table:
            if code not in FINDINGS:
                near = get_close_matches(code, FINDINGS, n=3, cutoff=0.5)
                instead = f"Near to it: {', '.join(near)}. " if near else ""
                raise Malformed(
                    f"[findings] of {self.source} has the unknown finding {code!r:.80}. {instead}"
                    "All are in docs/findings.md."
                )
        return {code: self._one_of(Level, level, f"findings.{code}") for code, level in table.items()}

    def _context(self, context: Context, table: Mapping[str, Any], found: dict[Key, Constraint]) -> None:
        sections = TABLE[context]
        own = sections[Section.OWN]
        inner = [section.value for section in sections if section is not Section.OWN]
        inner += [PATH_VALIDATION] if context in HAVE_PATHS else []
        self._known(table, (*own, *inner), context.value)
        for name, value in table.items():
            if name in own:
                found[context, Section.OWN, name] = self._constraint(own[name], value, f"{context}.{name}")
                continue
            section = Section(name)
            where = f"{context}.{section}"
            self._known(self._table(value, where), tuple(sections[section]), where)
            for one, setting in value.items():
                known = sections[section][one]
                found[context, section, one] = self._constraint(known, setting, f"{where}.{one}")

    def _path_inputs(
        self, context: Context, value: object, so_far: Mapping[Context, PathInputs]
    ) -> PathInputs:
        where = f"{context}.{PATH_VALIDATION}"
        table = self._table(value, where)
        self._known(table, NAMES_OF_INPUTS, where)
        base = so_far.get(context, NO_INPUTS)
        if context is Context.COUNTER_SIGNATURE:
            base = so_far.get(context, so_far.get(Context.SIGNATURE, NO_INPUTS))
        try:
            return read_path_inputs(table, base)
        except Malformed as error:
            raise self._wrong(where, str(error)) from error

    def _constraint(self, known: Known, value: object, where: str) -> Constraint:
        if isinstance(value, str):
            level, table = value, {}
        else:
            table = dict(self._table(value, where))
            level = table.pop("level", None)
        read = self._one_of(Level, level, where)
        if known.name in UNSWITCHABLE and read is not Level.FAIL:
            raise self._wrong(where, 'no policy may lower it: leave it out, or write "fail"')
        values: tuple[str, ...] = ()
        limit: timedelta | None = None
        if known.kind is Kind.VALUES and "values" in table:
            listed = table.pop("values")
            if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
                raise self._wrong(where, "its values must be a list of strings")
            values = tuple(listed)
        if known.kind is Kind.DURATION and "at-most" in table:
            limit = self._duration(table.pop("at-most"), where)
        if table:
            raise self._wrong(where, f"it has no setting {', '.join(table)}")
        missing = (known.kind is Kind.VALUES and not values) or (
            known.kind is Kind.DURATION and limit is None
        )
        if missing and read is not Level.IGNORE:
            needed = "values" if known.kind is Kind.VALUES else "at-most"
            raise self._wrong(where, f"it needs {needed} beside its level")
        return Constraint(read, values, limit)

    def _duration(self, value: object, where: str) -> timedelta:
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self._wrong(where, 'a duration is a number and s, m, h or d, such as "24h"')
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])

    def _known(self, table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in known:
                place = f"[{where}] of {self.source}" if where else self.source
                raise Malformed(f"{place} has the unknown key {key}. Known there: {', '.join(known)}.")

    def _table(self, value: object, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(where, "it must be a table, or for a constraint a level")
        return value

    def _text(self, value: object, where: str) -> str:
        if not isinstance(value, str):
            raise self._wrong(where, "it must be there, and a string")
        return value

    def _one_of(self, kind: type[E], value: object, where: str) -> E:
        try:
            return kind(str(value))
        except ValueError:
            raise self._wrong(where, f"it must be one of {', '.join(kind)}") from None

    def _wrong(self, where: str, what: str) -> Malformed:
        return Malformed(f"{where} in {self.source} is wrong: {what}.")

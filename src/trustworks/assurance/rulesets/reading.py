"""Reads a rule set from TOML, strictly: a key that means nothing is an error with its place."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from trustworks.assurance.model import CertificateKind, Status, Verdict
from trustworks.assurance.rulesets.domains import DOMAINS, UNKNOWN, Choice, Day
from trustworks.assurance.rulesets.model import (
    Accepted,
    Act,
    Case,
    Obligation,
    Option,
    Parameter,
    Process,
    RuleSet,
    Span,
    Sunset,
    Table,
    Way,
)
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from enum import StrEnum

    E = TypeVar("E", bound=StrEnum)

SHIPPED: Final = ("current", "guidance")
_SHARED: Final = ("tables",)  # files of tables that rule sets have in common
_LARGEST: Final = 1 << 20  # octets
# How we know the first day of an act: read in it, or by the day of its publication and its own words.
_KNOWN: Final = ("verified", "computed", "from-memory")
PARAMETERS: Final = frozenset(
    {
        "profiles",
        "areas",
        "areas-fips-140-2",
        "areas-fips-140-3",
        "level",
        "accepted-not-applicable",
        "harmless-caveats",
        "standard",
        "annex-ii",
        "weak-keys-caveats",
        "loaded-keys-caveats",
        "integrity-caveats",
        "areas-of-keys",
        "areas-of-integrity",
    }
)


@cache
def load(name: str) -> RuleSet:
    """A rule set that is shipped: ``guidance`` or ``current``. Raises `Malformed`."""
    if name not in SHIPPED:
        raise Malformed(f"There is no rule set {name!a:.40}; there are: {', '.join(SHIPPED)}.")
    return read(resources.files(__package__).joinpath(f"{name}.toml").read_bytes(), name)


def read(data: bytes, name: str) -> RuleSet:
    """A rule set from the octets of its file, which `name` calls in errors. Raises `Malformed`.

    What is read has only its form right; `checking.check` says whether it decides every case once.
    """
    if len(data) > _LARGEST:
        raise Malformed(f"{name} is larger than {_LARGEST} octets: it is no rule set.")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise Malformed(f"{name} is not TOML: {error}.") from None
    return _Reader(name).rule_set(document, hashlib.sha256(data).hexdigest())


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name
        self._acts: Mapping[str, Act] = {}

    def rule_set(self, given: Mapping[str, Any], digest: str) -> RuleSet:
        top = _Keys(self._name, "the file", given)
        self._acts = self._by_id("act", [self._act_itself(one) for one in top.tables("act")])
        tables = [self._table(one) for one in top.tables("table")]
        included = top.words("include", ())
        tables += self._included(included, top.table("references"))
        options = [self._option(one) for one in top.tables("option")]
        processes = tuple(self._process(one) for one in top.tables("process"))
        self._check_clauses(processes, {one.id for one in tables} | {one.id for one in options})
        found = RuleSet(
            id=top.text("id"),
            title=top.text("title"),
            source=top.text("source"),
            edition=top.day("edition"),
            words=top.text("words"),
            tables=self._by_id("table", tables),
            options=self._by_id("option", options),
            processes=processes,
            parameters=MappingProxyType(
                {
                    **self._included_parameters(included),
                    **self._parameters("parameters", top.table("parameters")),
                }
            ),
            sunsets=tuple(self._sunset(one) for one in top.tables("sunset")),
            acts=self._acts,
            errata=tuple(self._three(one, "says", "means") for one in top.tables("erratum")),
            general=tuple(self._three(one, "reference", "words") for one in top.tables("general")),
            sha256=digest,
        )
        top.done()
        return found

    def _included(self, names: tuple[str, ...], references: Mapping[str, Any]) -> list[Table]:
        """The shared tables for which the set has a reference; no other place than this package is read."""
        left = dict(references)
        found = []
        for name in names:
            if name not in _SHARED:
                raise Malformed(f"{self._name} includes {name!a:.40}; there is only: {', '.join(_SHARED)}.")
            found += [
                self._table(one | {"reference": left.pop(one["id"])})
                for one in _shared(name)["table"]
                if one["id"] in left
            ]
        if left:
            raise Malformed(
                f"{self._name} has a reference for the table {min(left)!a:.60}, which no included file has."
            )
        return found

    def _included_parameters(self, names: tuple[str, ...]) -> Mapping[str, Parameter]:
        """What the shared files give to all sets; a set's own parameters go before them."""
        found: dict[str, Parameter] = {}
        for name in names:
            found |= self._parameters(f"parameters of {name}", _shared(name)["parameters"])
        return found

    def _by_id(self, kind: str, found: Sequence[Any]) -> Mapping[str, Any]:
        named: dict[str, Any] = {}
        for one in found:
            if one.id in named:
                raise Malformed(f"{self._name} has two {kind}s with the id {one.id}; give each its own.")
            named[one.id] = one
        return MappingProxyType(named)

    def _table(self, given: Mapping[str, Any]) -> Table:
        keys = _Keys(self._name, f"table {given.get('id', '?')}", given)
        identifier, asks = keys.text("id"), keys.words("asks")
        for question in asks:
            if question not in DOMAINS:
                keys.wrong(f"asks {question!a:.60}, which is no question; there are: {', '.join(DOMAINS)}")
        cases = tuple(self._case(identifier, asks, one) for one in keys.tables("case"))
        found = Table(
            id=identifier,
            reference=keys.text("reference"),
            words=keys.text("words"),
            asks=asks,
            cases=cases,
        )
        keys.done()
        return found

    def _case(self, table: str, asks: tuple[str, ...], given: Mapping[str, Any]) -> Case:
        keys = _Keys(self._name, f"a case of table {table}", given)
        accepts = {}
        for question in asks:
            if question in given:
                accepts[question] = self._accepted(keys, question, keys.take(question))
        found = Case(
            accepts=MappingProxyType(accepts),
            verdict=keys.one_of("verdict", Verdict),
            says=keys.text("says"),
            missing=keys.words("missing", ()),
            lift=keys.text("lift", ""),
        )
        keys.done()
        return found

    def _accepted(self, keys: _Keys, question: str, given: object) -> Accepted:
        written = given if isinstance(given, list) else [given]
        domain = DOMAINS[question]
        found: set[str | Span] = set()
        for one in written:
            if not isinstance(one, str):
                keys.wrong(f"has {one!a:.40} for {question}; write it in quotation marks")
            elif isinstance(domain, Choice):
                if one not in domain.answers:
                    keys.wrong(f"has {one!a:.40} for {question}; allowed are {', '.join(domain.answers)}")
                found.add(one)
            elif one == UNKNOWN and not isinstance(domain, Day):
                found.add(one)
            else:
                found.add(_span(keys, question, one, days=isinstance(domain, Day)))
        return frozenset(found)

    def _option(self, given: Mapping[str, Any]) -> Option:
        name = str(given.get("id", "?"))
        keys = _Keys(self._name, f"option {name}", given)
        ways = keys.tables("way")
        found = Option(
            id=keys.text("id"),
            reference=keys.text("reference"),
            label=keys.text("label"),
            ways=tuple(self._way(_Keys(self._name, f"a way of option {name}", one)) for one in ways)
            or (self._way(keys),),
            preferred=keys.flag("preferred"),
            where_to_check=keys.text("where-to-check", ""),
            act=self._act(keys),
        )
        keys.done()
        return found

    def _way(self, keys: _Keys) -> Way:
        return Way(
            rules=keys.words("rules"),
            certificates=tuple(
                _member(keys, "certificates", one, CertificateKind) for one in keys.words("certificates", ())
            ),
            elements=keys.words("elements", ()),
            parameters=self._parameters(keys.where, keys.table("parameters")),
        )

    def _process(self, given: Mapping[str, Any]) -> Process:
        keys = _Keys(self._name, f"process {given.get('id', '?')}", given)
        without = keys.text("without-option", "")
        found = Process(
            service=keys.text("service"),
            id=keys.text("id"),
            reference=keys.text("reference"),
            label=keys.text("label"),
            options=keys.words("options", ()),
            conditions=keys.words("conditions", ()),
            follows=keys.words("follows", ()),
            group=keys.text("group", ""),
            parameters=self._parameters(f"process {given.get('id')}", keys.table("parameters")),
            obligation=keys.one_of("obligation", Obligation, Obligation.OBLIGATION),
            note=keys.text("note", ""),
            without_option=_member(keys, "without-option", without, Verdict) if without else None,
            act=self._act(keys),
            clauses=self._clauses(keys),
        )
        keys.done()
        return found

    def _clauses(self, keys: _Keys) -> Mapping[str, str]:
        """Places by the ids of what is asked there; each id once."""
        found: dict[str, str] = {}
        for one in keys.tables("clause"):
            inner = _Keys(self._name, f"a clause of {keys.where}", one)
            reference = inner.text("reference")
            for asked in inner.words("of"):
                if asked in found:
                    inner.wrong(f"names {asked!a:.60} a second time; one place is its reference")
                found[asked] = reference
            inner.done()
        return MappingProxyType(found)

    def _check_clauses(self, processes: Iterable[Process], known: Container[str]) -> None:
        owners = [*(("act", one.id, one.clauses) for one in self._acts.values())]
        owners += [("process", f"{one.service}/{one.id}", one.clauses) for one in processes]
        for kind, name, clauses in owners:
            for asked in clauses:
                if asked not in known:
                    raise Malformed(
                        f"{self._name}: a clause of {kind} {name} is of {asked!a:.60}, which is no table and "
                        "no option."
                    )

    def _act(self, keys: _Keys) -> Act | None:
        """The act that something names, which the set has to have."""
        name = keys.text("act", "")
        if name and name not in self._acts:
            keys.wrong(f"names the act {name!a:.60}, which there is not; there are: {', '.join(self._acts)}")
        return self._acts.get(name)

    def _act_itself(self, given: Mapping[str, Any]) -> Act:
        keys = _Keys(self._name, f"act {given.get('id', '?')}", given)
        found = Act(
            id=keys.text("id"),
            applies=keys.day("applies"),
            reference=keys.text("reference"),
            source_status=keys.text("source-status"),
            clauses=self._clauses(keys),
        )
        if found.source_status not in _KNOWN:
            keys.wrong(f"has source-status = {found.source_status!a:.40}; allowed are {', '.join(_KNOWN)}")
        keys.done()
        return found

    def _sunset(self, given: Mapping[str, Any]) -> Sunset:
        keys = _Keys(self._name, "a sunset", given)
        found = Sunset(
            standard=keys.text("standard"),
            begins=keys.day("begins"),
            status=keys.one_of("status", Status),
            reference=keys.text("reference"),
        )
        keys.done()
        return found

    def _three(self, given: Mapping[str, Any], second: str, third: str) -> tuple[str, str, str]:
        keys = _Keys(self._name, "an entry of `general` or `erratum`", given)
        first = "reference" if second == "says" else "id"
        found = keys.text(first), keys.text(second), keys.text(third)
        keys.done()
        return found

    def _parameters(self, where: str, given: Mapping[str, Any]) -> Mapping[str, Parameter]:
        found: dict[str, Parameter] = {}
        for name, value in given.items():
            if name not in PARAMETERS:
                raise Malformed(
                    f"{self._name}, {where}, has the parameter {name!a:.40}, which nothing reads; there are: "
                    f"{', '.join(sorted(PARAMETERS))}."
                )
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                found[name] = tuple(value)
            elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
                found[name] = value
            else:
                raise Malformed(
                    f"{self._name}, {where}, has {name} = {value!a:.60}; write a text, a list of texts or a "
                    "number."
                )
        return MappingProxyType(found)


def _shared(name: str) -> Mapping[str, Any]:
    """A file of what rule sets share; only files of this package, by names that were checked."""
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


class _Keys:
    """The keys of one TOML table, each taken once; what is left over is an error."""

    def __init__(self, name: str, where: str, given: Mapping[str, Any]) -> None:
        self._name = name
        self.where = where
        self._left = dict(given)

    def wrong(self, what: str) -> NoReturn:
        raise Malformed(f"{self._name}: {self.where} {what}.")

    def take(self, key: str) -> Any:
        if key not in self._left:
            self.wrong(f"lacks `{key}`")
        return self._left.pop(key)

    def text(self, key: str, default: str | None = None) -> str:
        value = default if key not in self._left and default is not None else self.take(key)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.wrong(f"has {key} = {value!a:.60}; write a text")
        return str(value)

    def words(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = default if key not in self._left and default is not None else self.take(key)
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            self.wrong(f"has {key} = {value!a:.60}; write a list of texts")
        return tuple(value)

    def day(self, key: str) -> date:
        value = self.take(key)
        if type(value) is not date:
            self.wrong(f"has {key} = {value!a:.60}; write a day, for example 2026-09-21")
        found: date = value
        return found

    def flag(self, key: str) -> bool:
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            self.wrong(f"has {key} = {value!a:.60}; write true or false")
        return bool(value)

    def one_of(self, key: str, kind: type[E], default: E | None = None) -> E:
        if key not in self._left and default is not None:
            return default
        return _member(self, key, self.text(key), kind)

    def table(self, key: str) -> Mapping[str, Any]:
        value = self._left.pop(key, {})
        if not isinstance(value, dict):
            self.wrong(f"has {key} = {value!a:.60}; write a table")
        found: Mapping[str, Any] = value
        return found

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.wrong(f"has {key} = {value!a:.60}; write [[{key}]]")
        found: list[Mapping[str, Any]] = value
        return found

    def done(self) -> None:
        if self._left:
            self.wrong(f"has the key {min(self._left)!a:.60}, which means nothing here")


def _member(keys: _Keys, key: str, value: str, kind: type[E]) -> E:
    try:
        return kind(value)
    except ValueError:
        keys.wrong(f"has {key} = {value!a:.60}; allowed are {', '.join(kind)}")


def _span(keys: _Keys, question: str, written: str, *, days: bool) -> Span:
    """``3``, ``3..``, ``..2`` or ``1..2``; days likewise."""
    low, dots, high = written.partition("..")

    def bound(text: str) -> int | None:
        if not text:
            return None
        try:
            return date.fromisoformat(text).toordinal() if days else int(text)
        except ValueError:
            example = "..2030-12-31" if days else "3.."
            keys.wrong(f'has "{written[:40]}" for {question}; write it like "{example}"')

    first, last = bound(low), bound(high) if dots else bound(low)
    if first is None and last is None:
        keys.wrong(f'has "{written[:40]}" for {question}, which says nothing; leave the question out')
    return Span(first, last)

"""Facts for the engine of assurance out of one row of the expectation tables: a base, and what differs.

A row of `tests/assurance/expectations/*.toml` names a base of `baseline.toml` and the keys in which it
differs. A key that nobody knows is refused, so that no row is believed to say what it does not.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from trustworks.assurance.model import (
    Binding,
    Certificate,
    CertificateKind,
    Check,
    CheckKind,
    Confirmation,
    ConfirmationKind,
    Document,
    DocumentKind,
    Fact,
    FactName,
    Facts,
    Headcount,
    Identity,
    Product,
    ProductKind,
    Provenance,
    SourceKind,
    Status,
    Transfer,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

EXPECTATIONS: Final = Path(__file__).resolve().parents[1] / "assurance" / "expectations"

NOT_SAID: Final = "not said"  # a fact that no source tells, or what nobody said of a product
NOT_APPLICABLE: Final = "N/A"

# What a row may say about its facts; what it expects is `expectation_table`'s.
KEYS: Final = frozenset(
    {
        "base",
        "processes",
        "certificate",
        "certificates",
        "conflict",
        "profiles",
        "retrieved",
        "product",
        "observed",
        "functions",
        "qualified",
        "since",
        "until",
        "without",
        "document",
        "check",
        "confirmation",
        "transfer",
        "headcount",
        "also",
    }
)
_ALSO_KEYS: Final = frozenset({"product", "certificates", "profiles", "processes", "documents", "functions"})

Enumerated = TypeVar("Enumerated", bound="StrEnum")
Row = TypeVar("Row")


class ExpectationError(ValueError):
    """A table of expectations cannot be read; the sentence says which row and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """One product of a row and what it is used for."""

    product: str
    certificates: tuple[str, ...]
    profiles: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    functions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """`baseline.toml`, as it is written."""

    data: Mapping[str, Any] = field(repr=False)

    @property
    def bases(self) -> frozenset[str]:
        return frozenset(self.data["base"])

    @property
    def processes(self) -> frozenset[str]:
        return frozenset(self.data["functions"])

    def base(self, name: str) -> _Base:
        try:
            given = self.data["base"][name]
        except KeyError:
            raise ExpectationError(f"no base is called {name!r}") from None
        return _base(given)


def baseline() -> Baseline:
    return Baseline(data=tomllib.loads((EXPECTATIONS / "baseline.toml").read_text(encoding="utf-8")))


def facts(row: Mapping[str, Any], known: Baseline) -> Facts:
    """All that one row gives to the engine; `row` has only keys of `KEYS`."""
    refuse_unknown(row, KEYS)
    first = known.base(row["base"])
    first = replace(
        first,
        processes=tuple(row["processes"]),
        certificates=tuple(row.get("certificates", first.certificates)),
        profiles=tuple(row.get("profiles", first.profiles)),
        functions=tuple(row["functions"]) if "functions" in row else None,
    )
    others = []
    for other in row.get("also", ()):
        refuse_unknown(other, _ALSO_KEYS)
        others.append(_base(other))
    bases = (first, *others)
    without = _without(row)
    used = {name: _certificate(name, row, known) for one in bases for name in one.certificates}
    numbers = {name: one.id for name, one in used.items()}
    return Facts(
        products=tuple(_product(one, row if one is first else {}, numbers, known) for one in bases),
        certificates=tuple(used.values()),
        bindings=tuple(
            binding for one in bases for binding in _bindings(one, row if one is first else {}, known)
        ),
        documents=_documents(bases, row, known, without),
        checks=_checks(bases, row, known, without),
        confirmations=_confirmations(bases, row, known, without, numbers),
        transfers=tuple(_transfer(one, known) for one in row.get("transfer", ())),
        headcounts=_headcounts(bases, row, known, without),
    )


def refuse_unknown(given: Mapping[str, Any], allowed: Iterable[str]) -> None:
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise ExpectationError(f"keys that nobody knows: {', '.join(unknown)}")


def _base(given: Mapping[str, Any]) -> _Base:
    return _Base(
        product=given["product"],
        certificates=tuple(given["certificates"]),
        profiles=tuple(given.get("profiles", ())),
        documents=tuple(given.get("documents", ())),
        processes=tuple(given.get("processes", ())),
        functions=tuple(given["functions"]) if "functions" in given else None,
    )


def _without(row: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """What is taken away: the kind of statement, and which."""
    kinds: dict[str, type[StrEnum] | None] = {
        "document": DocumentKind,
        "check": CheckKind,
        "confirmation": ConfirmationKind,
        "headcount": None,
    }
    taken = set()
    for one in row.get("without", ()):
        what, _, which = one.partition(" ")
        if what not in kinds:
            raise ExpectationError(f"cannot take away {one!r}: it begins with none of {', '.join(kinds)}")
        kind = kinds[what]
        if kind is not None:
            _one_of(kind, which)
        taken.add((what, which))
    return frozenset(taken)


def _one_of(kind: type[Enumerated], value: str) -> Enumerated:
    try:
        return kind(value)
    except ValueError:
        raise ExpectationError(f"{value!r} is no {kind.__name__}") from None


def _product(one: _Base, row: Mapping[str, Any], numbers: Mapping[str, str], known: Baseline) -> Product:
    given = dict(known.data["product"][one.product])
    changes = {name.replace("-", "_"): value for name, value in row.get("product", {}).items()}
    made = Product(
        id=one.product,
        manufacturer="Example Vendor",
        owner="security officer",
        place="room 1",
        token=f"pkcs11:token={one.product}",
        library_sha256=_digest("library"),
        real_hardware=True,
        certificates=tuple(numbers[name] for name in one.certificates),
        taken_into_use=known.data["stated"],
        kind=_one_of(ProductKind, given.pop("kind")),
        healthy=True,
        **given,
    )
    if made.kind is ProductKind.MODULE:
        made = replace(made, observed=_observed(made, row.get("observed", {}), known))
    return _changed(made, {key: None if value == NOT_SAID else value for key, value in changes.items()})


def _observed(product: Product, changes: Mapping[str, Any], known: Baseline) -> Identity:
    identity = Identity(
        at=_moment(known.data["retrieved"]),
        manufacturer=product.manufacturer,
        model=product.model,
        serial=product.serial,
        hardware=product.hardware,
        firmware=product.firmware,
        library="libexample.so",
        library_sha256=product.library_sha256,
        is_test_module=False,
    )
    return _changed(identity, {name.replace("-", "_"): value for name, value in changes.items()})


def _changed(made: Row, changes: Mapping[str, Any]) -> Row:
    refuse_unknown(changes, made.__dataclass_fields__)  # type: ignore[attr-defined]
    return replace(made, **changes)  # type: ignore[type-var]


def _certificate(name: str, row: Mapping[str, Any], known: Baseline) -> Certificate:
    """The certificate with the row's changes; those under its own name concern it alone, others all."""
    given = known.data["certificate"].get(name)
    if given is None:
        raise ExpectationError(f"no certificate is called {name!r}")
    told = dict(given["facts"])
    changes = {
        key: value for key, value in row.get("certificate", {}).items() if not _is_own(value, key, known)
    }
    changes |= row.get("certificate", {}).get(name, {})
    told |= changes
    areas = known.data["areas"].get(name, {})
    source = _provenance(given["source"], name, row, known)
    other = _provenance("by-hand", name, row, known)
    found = [_fact(key, value, source, areas) for key, value in told.items() if value != NOT_SAID]
    found += [_fact(key, value, other, areas) for key, value in row.get("conflict", {}).items()]
    return Certificate(
        kind=_one_of(CertificateKind, given["kind"]),
        number=given["number"],
        facts=tuple(found),
        file=_digest(f"certificate {name}"),
    )


def _is_own(value: object, key: str, known: Baseline) -> bool:
    return isinstance(value, dict) and key in known.data["certificate"]


def _fact(key: str, value: object, source: Provenance, areas: Mapping[str, str]) -> Fact:
    name = _one_of(FactName, key)
    made: Value
    if name is FactName.STATUS:
        made = _one_of(Status, str(value))
    elif name is FactName.AREA_LEVELS and isinstance(value, dict):
        made = {
            area_name(area, areas): None if level == NOT_APPLICABLE else int(level)
            for area, level in value.items()
        }
    elif isinstance(value, list):
        made = tuple(value)
    elif isinstance(value, str | int | date):
        made = value
    else:
        raise ExpectationError(f"{key} cannot be {value!r}")
    return Fact(name=name, value=made, provenance=source)


def area_name(short: str, areas: Mapping[str, str]) -> str:
    try:
        return areas[short]
    except KeyError:
        raise ExpectationError(f"no area of this standard is called {short!r}") from None


def _provenance(kind: str, name: str, row: Mapping[str, Any], known: Baseline) -> Provenance:
    return Provenance(
        kind=_one_of(SourceKind, kind),
        document=_digest(f"{kind} {name}"),
        name=f"{kind}-{name}",
        retrieved=_moment(row.get("retrieved", known.data["retrieved"])),
        place="line 1",
    )


def _bindings(one: _Base, row: Mapping[str, Any], known: Baseline) -> Iterable[Binding]:
    for path in one.processes:
        if path not in known.processes:
            raise ExpectationError(f"{path!r} is no process of baseline.toml")
        service, _, process = path.partition("/")
        functions = one.functions if one.functions is not None else tuple(known.data["functions"][path])
        yield Binding(
            product=one.product,
            service=service,
            process=process,
            functions=functions,
            qualified=row.get("qualified", True),
            since=row.get("since", known.data["stated"]),
            until=row.get("until"),
        )


def _documents(
    bases: Iterable[_Base], row: Mapping[str, Any], known: Baseline, without: frozenset[tuple[str, str]]
) -> tuple[Document, ...]:
    own = row.get("document", ())
    replaced = {(one.get("product", _first(row, known)), one["kind"]) for one in own}
    made: list[Document] = []
    for base in bases:
        kinds = (*(one["kind"] for one in known.data["document"]), *base.documents)
        made += [
            _document({"kind": kind, "product": base.product}, row, known)
            for kind in kinds
            if ("document", kind) not in without and (base.product, kind) not in replaced
        ]
    return (*made, *(_document(one, row, known) for one in own))


def _document(given: Mapping[str, Any], row: Mapping[str, Any], known: Baseline) -> Document:
    refuse_unknown(
        given, {"product", "kind", "standard", "argued", "open", "written", "reviewed-until", "areas"}
    )
    areas = known.data["areas"].get(given.get("areas", ""), {})
    return Document(
        product=given.get("product", _first(row, known)),
        kind=_one_of(DocumentKind, given["kind"]),
        title=given["kind"],
        sha256=_digest(f"document {given['kind']}"),
        written=given.get("written", known.data["stated"]),
        standard=given.get("standard", ""),
        argued=tuple(area_name(one, areas) if areas else one for one in given.get("argued", ())),
        open=tuple(area_name(one, areas) if areas else one for one in given.get("open", ())),
        reviewed_until=given.get("reviewed-until"),
    )


def _checks(
    bases: Iterable[_Base], row: Mapping[str, Any], known: Baseline, without: frozenset[tuple[str, str]]
) -> tuple[Check, ...]:
    own = row.get("check", ())
    replaced = {(one.get("product", _first(row, known)), one["kind"]) for one in own}
    made = [
        _check({"kind": one["kind"], "product": base.product}, row, known)
        for base in bases
        for one in known.data["check"]
        if ("check", one["kind"]) not in without and (base.product, one["kind"]) not in replaced
    ]
    return (*made, *(_check(one, row, known) for one in own))


def _check(given: Mapping[str, Any], row: Mapping[str, Any], known: Baseline) -> Check:
    refuse_unknown(given, {"product", "kind", "on", "passed", "persons", "seals", "due"})
    return Check(
        product=given.get("product", _first(row, known)),
        kind=_one_of(CheckKind, given["kind"]),
        on=given.get("on", known.data["stated"]),
        passed=given.get("passed", True),
        persons=tuple(given.get("persons", ("person-1", "person-2"))),
        seals=tuple(given.get("seals", ("seal-1", "seal-2"))),
        due=given.get("due", known.data["due"]),
    )


def _confirmations(
    bases: Iterable[_Base],
    row: Mapping[str, Any],
    known: Baseline,
    without: frozenset[tuple[str, str]],
    numbers: Mapping[str, str],
) -> tuple[Confirmation, ...]:
    own = row.get("confirmation", ())
    replaced = {(one.get("product", _first(row, known)), one["kind"]) for one in own}
    made = []
    for base in bases:
        profile = {"kind": "protection-profile", "values": base.profiles, "page": "security target, page 3"}
        every = (*known.data["confirmation"], *((profile,) if base.profiles else ()))
        for one in every:
            if ("confirmation", one["kind"]) in without or (base.product, one["kind"]) in replaced:
                continue
            made += [
                _confirmation({**one, "product": base.product}, number, row, known)
                for number in (numbers[name] for name in base.certificates)
            ]
    first = next(iter(bases))
    for one in own:
        named = [one["certificate"]] if "certificate" in one else list(first.certificates)
        plain = {key: value for key, value in one.items() if key != "certificate"}
        made += [_confirmation(plain, numbers.get(name, name), row, known) for name in named]
    return tuple(made)


def _confirmation(
    given: Mapping[str, Any], certificate: str, row: Mapping[str, Any], known: Baseline
) -> Confirmation:
    refuse_unknown(given, {"product", "kind", "values", "by", "on", "page", "complete"})
    return Confirmation(
        product=given.get("product", _first(row, known)),
        certificate=certificate,
        kind=_one_of(ConfirmationKind, given["kind"]),
        values=tuple(given.get("values", ())),
        by=given.get("by", "person-3"),
        on=given.get("on", known.data["stated"]),
        page=given.get("page", "security target, page 3"),
        complete=given.get("complete", True),
    )


def _transfer(given: Mapping[str, Any], known: Baseline) -> Transfer:
    made = Transfer(
        source="module",
        target="other-module",
        on=known.data["stated"],
        equal_protection=True,
        allowed_by_certificates=True,
        dual_control=True,
        checksum_matched=True,
    )
    named = {name.replace("-", "_"): None if value == NOT_SAID else value for name, value in given.items()}
    return _changed(made, named)


def _headcounts(
    bases: Iterable[_Base], row: Mapping[str, Any], known: Baseline, without: frozenset[tuple[str, str]]
) -> tuple[Headcount, ...]:
    own = row.get("headcount", ())
    given = own or [
        {**one, "product": base.product}
        for base in bases
        for one in known.data["headcount"]
        if ("headcount", one["act"]) not in without
    ]
    return tuple(
        Headcount(
            product=one.get("product", _first(row, known)),
            act=one.get("act", "backup"),
            persons=one["persons"],
            allowed=None if one["allowed"] == NOT_SAID else one["allowed"],
            on=one.get("on", known.data["stated"]),
        )
        for one in given
    )


def _first(row: Mapping[str, Any], known: Baseline) -> str:
    return known.base(row["base"]).product


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _digest(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()

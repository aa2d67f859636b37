"""Facts for the engine of assurance out of one row of the expectation tables: a base, and what differs.

A row of `tests/assurance/expectations/*.toml` names a base of `baseline.toml` and the keys in which it
differs. A key that nobody knows is refused, so that no row is believed to say what it does not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from expected_base import (
    NOT_APPLICABLE,
    NOT_SAID,
    Baseline,
    ExpectationError,
    Part,
    area_name,
    changed,
    digest,
    moment,
    one_of,
    part,
    refuse_unknown,
)
from expected_statements import checks, confirmations, documents, headcounts, taken_away, transfers

from trustworks.assurance.model import (
    Binding,
    Certificate,
    CertificateKind,
    Fact,
    FactName,
    Facts,
    Identity,
    Installation,
    InstallationState,
    LiveModule,
    Product,
    ProductKind,
    Provenance,
    SourceKind,
    Status,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
        "algorithms",
        "qualified",
        "since",
        "until",
        "without",
        "document",
        "check",
        "confirmation",
        "transfer",
        "headcount",
        "unregistered",
        "installed",
        "also",
    }
)
_ALSO_KEYS: Final = frozenset({"product", "certificates", "profiles", "processes", "documents", "functions"})


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
        others.append(part(other))
    bases = (first, *others)
    without = taken_away(row)
    used = {name: _certificate(name, row, known) for one in bases for name in one.certificates}
    numbers = {name: one.id for name, one in used.items()}
    return Facts(
        products=tuple(_product(one, row if one is first else {}, numbers, known) for one in bases),
        certificates=tuple(used.values()),
        bindings=tuple(
            binding for one in bases for binding in _bindings(one, row if one is first else {}, known)
        ),
        documents=documents(bases, row, known, without),
        checks=checks(bases, row, known, without),
        confirmations=confirmations(bases, row, known, without, numbers),
        transfers=transfers(bases, row, known, without),
        headcounts=headcounts(bases, row, known, without),
        unregistered=tuple(_live(one, known) for one in row.get("unregistered", ())),
    )


def _live(given: Mapping[str, Any], known: Baseline) -> LiveModule:
    """A module that evidence saw and no product names: its token, what uses it, what it is."""
    refuse_unknown(given, {"token", "processes", "test", "since"})
    uses = [path.partition("/") for path in given["processes"]]
    return LiveModule(
        token=given["token"],
        label=f"label-of-{given['token']}",
        seen=Identity(
            at=moment(given.get("since", known.data["stated"])),
            manufacturer="Other Vendor",
            model="Other 9",
            serial="O9-0001",
            hardware="",
            firmware="",
            library="libother.so",
            library_sha256=digest("other library"),
            is_test_module=given.get("test", False),
        ),
        uses=tuple((service, process) for service, _, process in uses),
    )


def _product(one: Part, row: Mapping[str, Any], numbers: Mapping[str, str], known: Baseline) -> Product:
    given = dict(known.data["product"][one.product])
    changes = {name.replace("-", "_"): value for name, value in row.get("product", {}).items()}
    made = Product(
        id=one.product,
        manufacturer="Example Vendor",
        owner="security officer",
        place="room 1",
        token=f"pkcs11:token={one.product}",
        library_sha256=digest("library"),
        real_hardware=True,
        certificates=tuple(numbers[name] for name in one.certificates),
        taken_into_use=known.data["stated"],
        kind=one_of(ProductKind, given.pop("kind")),
        healthy=True,
        **given,
    )
    if made.kind is ProductKind.MODULE:
        made = replace(made, observed=_observed(made, row.get("observed", {}), known))
    if "installed" in row:
        made = replace(made, installed=_installed(row["installed"]))
    return changed(made, {key: None if value == NOT_SAID else value for key, value in changes.items()})


def _installed(given: Mapping[str, Any]) -> Installation:
    refuse_unknown(given, {"state", "found", "on"})
    return Installation(
        at=moment(given.get("on", date(2026, 6, 1))),
        state=one_of(InstallationState, given["state"]),
        found=given.get("found", given["state"]),
        manifest=digest("manifest"),
    )


def _observed(product: Product, changes: Mapping[str, Any], known: Baseline) -> Identity:
    identity = Identity(
        at=moment(changes.get("at", known.data["seen"])),
        manufacturer=product.manufacturer,
        model=product.model,
        serial=product.serial,
        hardware=product.hardware,
        firmware=product.firmware,
        library="libexample.so",
        library_sha256=product.library_sha256,
        is_test_module=False,
    )
    given = {name.replace("-", "_"): value for name, value in changes.items() if name != "at"}
    return changed(identity, given)


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
        kind=one_of(CertificateKind, given["kind"]),
        number=given["number"],
        facts=tuple(found),
        file=digest(f"certificate {name}"),
    )


def _is_own(value: object, key: str, known: Baseline) -> bool:
    return isinstance(value, dict) and key in known.data["certificate"]


def _fact(key: str, value: object, source: Provenance, areas: Mapping[str, str]) -> Fact:
    name = one_of(FactName, key)
    made: Value
    if name is FactName.STATUS:
        made = one_of(Status, str(value))
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


def _provenance(kind: str, name: str, row: Mapping[str, Any], known: Baseline) -> Provenance:
    return Provenance(
        kind=one_of(SourceKind, kind),
        document=digest(f"{kind} {name}"),
        name=f"{kind}-{name}",
        retrieved=moment(row.get("retrieved", known.data["retrieved"])),
        place="line 1",
    )


def _bindings(one: Part, row: Mapping[str, Any], known: Baseline) -> Iterable[Binding]:
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
            algorithms=tuple(row.get("algorithms", known.data["algorithms"])),
            qualified=row.get("qualified", True),
            since=row.get("since", known.data["stated"]),
            until=row.get("until"),
        )

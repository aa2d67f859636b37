"""What persons state of the products of one row: what the baseline has, changed as the row says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from expected_base import (
    NOT_SAID,
    ExpectationError,
    area_name,
    changed,
    digest,
    first_product,
    one_of,
    refuse_unknown,
)

from trustworks.assurance.model import (
    Check,
    CheckKind,
    Confirmation,
    ConfirmationKind,
    Document,
    DocumentKind,
    Headcount,
    Transfer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

    from expected_base import Baseline, Part


def taken_away(row: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """What is taken away: the kind of statement, and which."""
    kinds: dict[str, type[StrEnum] | None] = {
        "document": DocumentKind,
        "check": CheckKind,
        "confirmation": ConfirmationKind,
        "headcount": None,
        "backup": None,
    }
    taken = set()
    for one in row.get("without", ()):
        what, _, which = one.partition(" ")  # `backup` alone: there is one only
        if what not in kinds:
            raise ExpectationError(f"cannot take away {one!r}: it begins with none of {', '.join(kinds)}")
        kind = kinds[what]
        if kind is not None:
            one_of(kind, which)
        taken.add((what, which))
    return frozenset(taken)


def documents(
    bases: Iterable[Part], row: Mapping[str, Any], known: Baseline, without: frozenset[tuple[str, str]]
) -> tuple[Document, ...]:
    own = row.get("document", ())
    replaced = {(one.get("product", first_product(row, known)), one["kind"]) for one in own}
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
        given,
        {
            *("product", "kind", "standard", "argued", "open", "functions", "version"),
            *("written", "reviewed-until", "areas"),
        },
    )
    product = given.get("product", first_product(row, known))
    demonstrates = given["kind"] == DocumentKind.CONFORMITY
    areas = known.data["areas"].get(given.get("areas", ""), {})
    return Document(
        product=product,
        kind=one_of(DocumentKind, given["kind"]),
        title=given["kind"],
        sha256=digest(f"document {given['kind']}"),
        written=given.get("written", known.data["stated"]),
        standard=given.get("standard", ""),
        argued=tuple(
            area_name(one, areas) if areas else one
            for one in given.get("argued", known.data["argued"].get(given["kind"], ()))
        ),
        open=tuple(area_name(one, areas) if areas else one for one in given.get("open", ())),
        functions=tuple(given.get("functions", known.data["demonstrated"] if demonstrates else ())),
        version=given.get(
            "version", known.data["product"][product].get("software", "") if demonstrates else ""
        ),
        reviewed_until=given.get("reviewed-until"),
    )


def checks(
    bases: Iterable[Part], row: Mapping[str, Any], known: Baseline, without: frozenset[tuple[str, str]]
) -> tuple[Check, ...]:
    own = row.get("check", ())
    replaced = {(one.get("product", first_product(row, known)), one["kind"]) for one in own}
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
        product=given.get("product", first_product(row, known)),
        kind=one_of(CheckKind, given["kind"]),
        on=given.get("on", known.data["stated"]),
        passed=given.get("passed", True),
        persons=tuple(given.get("persons", ("person-1", "person-2"))),
        seals=tuple(given.get("seals", ("seal-1", "seal-2"))),
        due=None if given.get("due") == NOT_SAID else given.get("due", known.data["due"]),
    )


def confirmations(
    bases: Iterable[Part],
    row: Mapping[str, Any],
    known: Baseline,
    without: frozenset[tuple[str, str]],
    numbers: Mapping[str, str],
) -> tuple[Confirmation, ...]:
    own = row.get("confirmation", ())
    replaced = {(one.get("product", first_product(row, known)), one["kind"]) for one in own}
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
    product = given.get("product", first_product(row, known))
    kind = one_of(ConfirmationKind, given["kind"])
    versions = _versions(product, known) if kind is ConfirmationKind.IDENTITY else ()
    return Confirmation(
        product=product,
        certificate=certificate,
        kind=kind,
        values=tuple(given.get("values", versions)),
        by=given.get("by", "person-3"),
        on=given.get("on", known.data["stated"]),
        page=given.get("page", "security target, page 3"),
        complete=given.get("complete", True),
    )


def _versions(product: str, known: Baseline) -> tuple[str, ...]:
    """What a person compares: the versions of the product, where a row does not say what was compared."""
    own = known.data["product"][product]
    return tuple(f"{name}={own[name]}" for name in ("hardware", "firmware", "software") if name in own)


def transfers(
    bases: Iterable[Part], row: Mapping[str, Any], known: Baseline, without: frozenset[tuple[str, str]]
) -> tuple[Transfer, ...]:
    """Those of the row, and the backups of modules for which it has none of its own."""
    own = tuple(transfer(one, known) for one in row.get("transfer", ()))
    told = {product for one in own if one.backup for product in (one.source, one.target)}
    kept = {
        base.product: {"source": base.product, "target": f"backup of {base.product}", "backup": True, **one}
        for base in bases
        for one in known.data["backup"]
        if known.data["product"][base.product]["kind"] == "module"
    }
    made = () if ("backup", "") in without else tuple(kept[one] for one in kept if one not in told)
    return (*own, *(transfer(one, known) for one in made))


def transfer(given: Mapping[str, Any], known: Baseline) -> Transfer:
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
    return changed(made, named)


def headcounts(
    bases: Iterable[Part], row: Mapping[str, Any], known: Baseline, without: frozenset[tuple[str, str]]
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
            product=one.get("product", first_product(row, known)),
            act=one.get("act", "backup"),
            persons=one["persons"],
            allowed=None if one["allowed"] == NOT_SAID else one["allowed"],
            on=one.get("on", known.data["stated"]),
        )
        for one in given
    )

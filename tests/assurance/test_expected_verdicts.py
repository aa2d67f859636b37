"""The engine answers what the hand-made tables expect, for made-up products and for real certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from expectation_table import RULE_SETS, deviations, real_products, table
from expected_base import baseline
from expected_facts import facts

from trustworks.assurance.engine import evaluate
from trustworks.assurance.model import CertificateKind, ConfirmationKind, FactName
from trustworks.assurance.rulesets import load
from trustworks.assurance.sources import Download, read_any
from trustworks.assurance.sources.comparing import VERSIONS, versions_of

if TYPE_CHECKING:
    from expectation_table import Expected, RealProduct

    from trustworks.assurance.model import Certificate, Facts

PRODUCTS: Final = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "products"
# When the records were made: an importer is told when a person downloaded them.
RETRIEVED: Final = datetime(2026, 4, 15, tzinfo=UTC)
# Common Criteria certificates have no numbers on the portal: the table counts them.
PLACES: Final = ("first", "second", "third")
# With which of the baseline's certificates everything that persons have to state is in order.
BASES: Final = {"fips": "fips-140-3", "cc": "cc", "eucc": "eucc"}

CASES: Final = [
    pytest.param(name, case, id=f"{name}-{case.id}-{case.at}")
    for name in RULE_SETS
    for case in table(name).cases
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_verdict_is_as_expected(name: str, case: Expected) -> None:
    told = deviations(case, evaluate(case.facts, load(name), case.at))
    assert told == [], f"{case.words} ({case.reference}) {case.open}"


@cache
def imported() -> dict[tuple[str, str], Certificate]:
    """The real certificates, by kind and number, or place where a scheme has no numbers."""
    found: dict[tuple[str, str], Certificate] = {}
    for file in sorted(PRODUCTS.iterdir()):
        read = read_any(file.read_bytes(), Download(name=file.name, retrieved=RETRIEVED))
        portal = [one for one in read.certificates if one.kind is CertificateKind.CC]
        found |= {(one.kind, one.number): one for one in read.certificates if one not in portal}
        found |= {(one.kind, place): one for place, one in zip(PLACES, portal, strict=False)}
    return found


def in_order(certificate: Certificate) -> Facts:
    """Facts of a module with this certificate alone, of which persons stated all that can be stated."""
    base = BASES[certificate.kind]
    row = {
        "base": base,
        "processes": ["certificates/ca_key_use"],
        "document": [
            {"kind": "coverage-demonstration"},
            {"kind": "iso19790-demonstration", "standard": "ISO/IEC 19790"},
        ],
    }
    made = facts(row, baseline())
    own: dict[str, Any] = {
        name: str(facts[0].value)
        for name, facts in (
            ("name", certificate.told(FactName.PRODUCT)),
            ("manufacturer", certificate.told(FactName.HOLDER)),
        )
        if facts
    }
    versions = {name: versions_of(certificate, fact)[:1] for name, fact in VERSIONS}
    own |= {name: found[0] for name, found in versions.items() if found}
    (product,) = made.products
    product = replace(product, certificates=(certificate.id,), **own)
    assert product.observed is not None
    seen = {name: getattr(product, name) for name in ("manufacturer", "hardware", "firmware")}
    product = replace(product, observed=replace(product.observed, **seen))
    compared = tuple(f"{name}={getattr(product, name)}" for name, _ in VERSIONS if getattr(product, name))
    return replace(
        made,
        products=(product,),
        certificates=(certificate,),
        confirmations=tuple(
            replace(
                one,
                certificate=certificate.id,
                values=compared if one.kind is ConfirmationKind.IDENTITY else one.values,
            )
            for one in made.confirmations
        ),
    )


@pytest.mark.parametrize(
    "product", [pytest.param(one, id=f"{one.rule_set}-{one.kind}-{one.number}") for one in real_products()]
)
def test_real_certificate_gives_what_is_expected(product: RealProduct) -> None:
    if not PRODUCTS.is_dir():
        pytest.skip(f"NOT TESTED, because the records of real products are not at {PRODUCTS}")
    known = in_order(imported()[product.kind, product.number])
    found = []
    for day, _ in product.verdicts:
        report = evaluate(known, load(product.rule_set), day)
        found += [
            (day, option.verdict)
            for service in report.services
            for process in service.processes
            if process.process == "ca_key_use"
            for option in process.options
            if option.option == product.option
        ]
    assert found == list(product.verdicts)


@pytest.mark.parametrize("name", RULE_SETS)
def test_every_real_certificate_is_in_the_table(name: str) -> None:
    if not PRODUCTS.is_dir():
        pytest.skip(f"NOT TESTED, because the records of real products are not at {PRODUCTS}")
    assert {(one.kind, one.number) for one in real_products() if one.rule_set == name} == set(imported())


@pytest.mark.parametrize("name", RULE_SETS)
def test_answers_do_not_depend_on_the_order_of_facts(name: str) -> None:
    for case in table(name).cases:
        turned = replace(
            case.facts,
            certificates=case.facts.certificates[::-1],
            bindings=case.facts.bindings[::-1],
            documents=case.facts.documents[::-1],
            checks=case.facts.checks[::-1],
            confirmations=case.facts.confirmations[::-1],
            headcounts=case.facts.headcounts[::-1],
        )
        assert deviations(case, evaluate(turned, load(name), case.at)) == deviations(
            case, evaluate(case.facts, load(name), case.at)
        ), case.id

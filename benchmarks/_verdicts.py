"""A register of 5,000 certificates and 500 bindings, evaluated by both rule sets."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from _figures import told  # type: ignore[import-not-found] # the script beside this one

from trustworks.assurance.engine import Index, evaluate, forecast
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
    Product,
    ProductKind,
    Provenance,
    SourceKind,
    Status,
    Value,
)
from trustworks.assurance.records import encode
from trustworks.assurance.rulesets import SHIPPED, load

if TYPE_CHECKING:
    from collections.abc import Mapping

CERTIFICATES, BINDINGS = 5000, 500
LIMIT = 1.0
DAY = date(2026, 11, 20)
CONFIRMED = {ConfirmationKind.SCOPE: ("keygen", "sign"), ConfirmationKind.IDENTITY: ("firmware=1.1",)}
PLACES = (
    ("certificates", "ca_key_generation"),
    ("certificates", "ca_key_use"),
    ("timestamps", "tsu_key_generation"),
    ("timestamps", "tsu_key_use"),
)


def certificate(number: int) -> Certificate:
    provenance = Provenance(
        kind=SourceKind.CMVP_PAGE,
        document=f"{number:064x}",
        name=f"{number}.html",
        retrieved=datetime(2026, 11, 1, tzinfo=UTC),
        place="the page",
    )
    fips: Mapping[FactName, Value] = {
        FactName.STANDARD: "FIPS 140-3" if number % 3 else "FIPS 140-2",
        FactName.OVERALL_LEVEL: 2 + number % 2,
        FactName.AREA_LEVELS: {"Physical Security": 3, "Non-Invasive Security": None},
        FactName.CAVEAT: "When operated in approved mode",
    }
    criteria: Mapping[FactName, Value] = {
        FactName.STANDARD: "CC:2022",
        FactName.EAL: 4,
        FactName.PROTECTION_PROFILES: ("EN 419221-5",),
    }
    kind = CertificateKind.CC if number % 2 else CertificateKind.FIPS
    values: dict[FactName, Value] = {
        FactName.PRODUCT: "Example Module",
        FactName.HOLDER: "Example Makers Ltd",
        FactName.FIRMWARE: ("1.0", "1.1"),
        FactName.STATUS: Status.ACTIVE,
        FactName.ISSUED: date(2025, 1, 1),
        FactName.ENDS: date(2027 + number % 8, 1 + number % 12, 1),
        **(criteria if kind is CertificateKind.CC else fips),
    }
    facts = tuple(Fact(name=name, value=value, provenance=provenance) for name, value in values.items())
    return Certificate(kind=kind, number=str(number), facts=facts)


def register() -> Facts:
    certificates = tuple(certificate(number) for number in range(CERTIFICATES))
    each = CERTIFICATES // BINDINGS
    products = tuple(
        Product(
            id=f"hsm-{number}",
            kind=ProductKind.MODULE,
            name="Example Module",
            manufacturer="Example Makers",
            firmware="1.1",
            real_hardware=True,
            healthy=True,
            certificates=tuple(one.id for one in certificates[number * each : (number + 1) * each]),
        )
        for number in range(BINDINGS)
    )
    return Facts(
        products=products,
        certificates=certificates,
        bindings=tuple(
            Binding(
                product=one.id,
                service=PLACES[number % 4][0],
                process=PLACES[number % 4][1],
                functions=("keygen", "sign"),
                algorithms=("P-384",),
            )
            for number, one in enumerate(products)
        ),
        documents=tuple(
            Document(product=one.id, kind=kind, title="A document", sha256="0" * 64, written=date(2026, 1, 1))
            for one in products
            for kind in DocumentKind
        ),
        checks=tuple(
            Check(
                product=one.id, kind=kind, on=date(2026, 1, 1), passed=True, persons=("a", "b"), seals=("1",)
            )
            for one in products
            for kind in CheckKind
        ),
        confirmations=tuple(
            Confirmation(
                product=one.id,
                certificate=name,
                kind=kind,
                values=CONFIRMED.get(kind, ("EN 419221-5",)),
                by="a",
                on=date(2026, 1, 1),
                page="page 1",
            )
            for one in products
            for name in one.certificates
            for kind in ConfirmationKind
        ),
    )


def measure(rounds: int) -> None:
    """Evaluate and forecast; the reference reads the same register as JSON."""
    print(f"Verdicts: {CERTIFICATES} certificates, {BINDINGS} bindings, both rule sets; processor time")
    facts = register()
    written = [encode(one) for part in (facts.certificates, facts.products, facts.bindings) for one in part]
    rules = [load(name) for name in SHIPPED]
    parts: dict[str, list[float]] = {"reading it as JSON (reference)": [], "evaluating": []}
    for _ in range(rounds):
        began = time.process_time()
        for text in written:
            json.loads(text)
        parts["reading it as JSON (reference)"].append(time.process_time() - began)
        began = time.process_time()
        index = Index(facts)
        for one in rules:
            evaluate(index, one, DAY)
        parts["evaluating"].append(time.process_time() - began)
    for name, values in parts.items():
        told(name, values, LIMIT, "s")
    few = Facts(
        **{**{name: getattr(facts, name) for name in Facts.__slots__}, "bindings": facts.bindings[:8]}
    )
    began = time.process_time()
    changes = sum(len(forecast(few, one, DAY).changes) for one in rules)
    print(
        f"  a forecast over ten years for 8 bindings: {time.process_time() - began:.2f} s, {changes} changes"
    )

"""The dossier in OSCAL 1.1: a component definition of the products, and the verdicts as observations.

OSCAL's findings know ``satisfied`` and ``not-satisfied`` alone, which others decide: verdicts are therefore
observations with a property, and there are no findings. Source: NIST OSCAL 1.1.2, JSON formats.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from trustworks.assurance.dossier.model import is_test_module
from trustworks.assurance.model import ProductKind
from trustworks.assurance.report import NOT_A_DECISION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.dossier.model import Material
    from trustworks.assurance.model import OptionVerdict, ProcessVerdict, Product, Report

_VERSION: Final = "1.1.2"
_NAMES: Final = UUID("6f0e7c5a-9a0b-5c39-8a43-0d5b3f2f5f10")  # of our own, for uuid5
_OF_NAMES: Final = "urn:trustworks:assurance"
_TOKEN: Final = re.compile(r"[^A-Za-z0-9._-]")
_TYPES: Final = {
    ProductKind.MODULE: "hardware",
    ProductKind.DEVICE: "hardware",
    ProductKind.SYSTEM: "software",
    ProductKind.APPLICATION: "software",
}


def component_definition(material: Material) -> bytes:
    """The products as components, each with the processes that it is used in."""
    found: dict[str, Any] = {
        "uuid": _uuid(material, "component-definition"),
        "metadata": _metadata(material, "Products of a provider of trust services"),
    }
    components = [_component(material, one) for one in material.facts.products]
    if components:
        found["components"] = components
    return _written({"component-definition": found})


def assessment_results(material: Material) -> bytes:
    """A result for each rule set, with an observation for each process of each product."""
    found = {
        "uuid": _uuid(material, "assessment-results"),
        "metadata": _metadata(material, "What rule sets answer about the evidence"),
        "import-ap": {"href": "../dossier.html", "remarks": "There is no assessment plan of OSCAL."},
        "results": [_result(material, report) for report in material.reports],
    }
    return _written({"assessment-results": found})


def _metadata(material: Material, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "last-modified": material.made.isoformat(),
        "version": material.made.strftime("%Y%m%dT%H%M%SZ"),
        "oscal-version": _VERSION,
        "props": [_prop("made-by", material.provider.product)],
        "parties": [
            {
                "uuid": _uuid(material, "provider"),
                "type": "organization",
                "name": material.provider.name or "missing",
            }
        ],
        "remarks": NOT_A_DECISION,
    }


def _component(material: Material, product: Product) -> dict[str, Any]:
    told = (
        *(("product-kind", product.kind.value), ("manufacturer", product.manufacturer)),
        *(("model", product.model), ("hardware-version", product.hardware)),
        *(("firmware-version", product.firmware), ("software-version", product.software)),
        ("serial", product.serial),
        *(("certificate", one) for one in product.certificates),
        *((("insufficient", "test module"),) if is_test_module(product) else ()),
        *(
            (f"verdict-{report.rule_set}", one.verdict.value)
            for report in material.reports
            for one in report.products
            if one.product == product.id
        ),
    )
    found: dict[str, Any] = {
        "uuid": _uuid(material, f"product {product.id}"),
        "type": _TYPES[product.kind],
        "title": product.name or product.id,
        "description": f"{product.kind.value} {product.id}",
        "props": [_prop(name, value) for name, value in told if value.strip()],
    }
    uses = [one for one in material.facts.bindings if one.product == product.id]
    if uses:
        found["control-implementations"] = [
            {
                "uuid": _uuid(material, f"uses {product.id}"),
                "source": "../verdicts.json",
                "description": "The processes of services that use this product.",
                "implemented-requirements": [
                    {
                        "uuid": _uuid(material, f"use {product.id} {one.service} {one.process}"),
                        "control-id": token(f"{one.service}.{one.process}"),
                        "description": f"Functions: {', '.join(one.functions) or 'none named'}.",
                    }
                    for one in uses
                ],
            }
        ]
    return found


def _result(material: Material, report: Report) -> dict[str, Any]:
    observed = list(_observations(material, report))
    found: dict[str, Any] = {
        "uuid": _uuid(material, f"result {report.rule_set}"),
        "title": report.title,
        "description": f"What the rule set {report.rule_set} answers for {report.at}. {NOT_A_DECISION}",
        "start": material.made.isoformat(),
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
    }
    if observed:
        found["observations"] = observed
    return found


def _observations(material: Material, report: Report) -> Iterator[dict[str, Any]]:
    for service in report.services:
        for process in service.processes:
            yield _observation(material, report, process)


def _observation(material: Material, report: Report, process: ProcessVerdict) -> dict[str, Any]:
    about = f"{process.service}/{process.process}/{process.product or 'no product'}"
    options = [f"{one.option}: {one.verdict.value}. {_why(one)}".strip() for one in process.options]
    found: dict[str, Any] = {
        "uuid": _uuid(material, f"observation {report.rule_set} {about}"),
        "title": about,
        "description": "\n".join(options) or process.note or process.verdict.value,
        "methods": ["EXAMINE"],
        "props": [_prop("verdict", process.verdict.value)],
        "collected": material.made.isoformat(),
    }
    if process.product is not None:
        subject = _uuid(material, f"product {process.product}")
        found["subjects"] = [{"subject-uuid": subject, "type": "component"}]
    return found


def _why(option: OptionVerdict) -> str:
    return " ".join(f"{one.sentence} [{one.rule}]" for one in option.deciding)


def token(text: str) -> str:
    """The text as a token of OSCAL: letters, digits, dots, hyphens and lines below, with no digit first."""
    found = _TOKEN.sub("-", text)
    return found if found[:1].isalpha() else f"_{found}"


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": token(name), "ns": _OF_NAMES, "value": " ".join(value.split())}


def _uuid(material: Material, name: str) -> str:
    return str(uuid5(_NAMES, f"{material.provider.name} {material.made.isoformat()} {name}"))


def _written(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()

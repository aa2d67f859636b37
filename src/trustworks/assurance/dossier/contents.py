"""The files of a dossier, but for the seal and the manifest: from `Material` alone, the same for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.dossier import oscal
from trustworks.assurance.dossier.chapters import banners, chapters
from trustworks.assurance.dossier.drawing import hierarchy
from trustworks.assurance.dossier.files import flat, json_file, named, place_of
from trustworks.assurance.dossier.model import File
from trustworks.assurance.dossier.pack import by_points, for_assessors
from trustworks.assurance.dossier.points import SOURCE, Point, index
from trustworks.assurance.dossier.reading import as_page, as_paper
from trustworks.assurance.dossier.register_list import register_csv
from trustworks.assurance.report import NOT_A_DECISION, as_values, forecast_values, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trustworks.assurance.dossier.model import Material
    from trustworks.assurance.engine import Forecast

PAPER: Final = "dossier.pdf"


def contents(material: Material, forecasts: Iterable[Forecast] = ()) -> tuple[tuple[File, ...], bytes]:
    """All files but the paper, and the paper before it is sealed."""
    found = list(_data(material, forecasts))
    pack = list(for_assessors(material))
    found += [file for _, file in pack]
    points = index(by_points(material, pack))
    found.append(json_file("annex-iii/index.json", _index(points), "the index to Annex III, point by point"))
    told, above, drawing = chapters(material, points), banners(material), hierarchy(material.identities)
    found.append(
        File(
            name="dossier.html", content=as_page(material, told, above, drawing), about="the dossier to read"
        )
    )
    return tuple(found), as_paper(material, told, above, drawing)


def about(material: Material) -> dict[str, Any]:
    """Who, when, by what: what the manifest begins with."""
    provider = material.provider
    return {
        "provider": provider.name,
        "identifier": provider.identifier or "missing",
        "laboratory": provider.lab,
        "made": material.made.isoformat(),
        "product": provider.product,
        "build": provider.build or "missing",
        "installation": provider.manifest or "missing",
        "profile": material.profile.value,
        "banners": list(banners(material)),
    }


def _data(material: Material, forecasts: Iterable[Forecast]) -> Iterator[File]:
    yield json_file("about.json", about(material), "who the dossier is about, and what made it")
    yield File(
        name="register.csv",
        content=register_csv(material.facts, material.reports, material.devices),
        about="products and devices with the verdict of each rule set",
    )
    reports = [as_values(one) for one in material.reports]
    yield json_file(
        "verdicts.json",
        {"statement": NOT_A_DECISION, "reports": reports},
        "what the rule sets answer, with every rule, fact and missing piece",
    )
    yield json_file(
        "forecast.json",
        {"statement": NOT_A_DECISION, "forecasts": [forecast_values(one) for one in forecasts]},
        "on which days verdicts change, if nothing but time passes",
    )
    yield from _evidence(material)
    yield json_file("keys.json", [flat(one) for one in material.keys], "the register of keys")
    yield json_file(
        "trace.json",
        material.trace if material.trace is not None else {"state": "missing"},
        "requirements, where they are carried out, the tests that show them",
    )
    yield json_file(
        "statements.json",
        {
            "statement": NOT_A_DECISION,
            "about_results": (material.trace or {}).get("about_results", ""),
            "standards": values(material.statements),
        },
        "clause by clause, what the software itself can say of standards",
    )
    if material.installation is not None:
        yield File(
            name="installation/manifest.json",
            content=material.installation,
            about="the signed manifest of what is installed",
        )
    if material.log is not None:
        for name, value in material.log.items():
            yield json_file(f"audit/{name}.json", value, f"the audit log: {name}")
    for draft in material.drafts:
        yield File(
            name=f"notices/{named(draft.name)}.txt",
            content=draft.text.encode(),
            about="the draft of a notice; nobody was sent it",
        )
    yield File(
        name="oscal/component-definition.json",
        content=oscal.component_definition(material),
        about="the products, as an OSCAL component definition",
    )
    yield File(
        name="oscal/assessment-results.json",
        content=oscal.assessment_results(material),
        about="the verdicts, as OSCAL assessment results",
    )


def _evidence(material: Material) -> Iterator[File]:
    listed = []
    for one in material.files:
        name = place_of(one)
        listed.append(
            {
                "sha256": one.sha256,
                "name": one.name,
                "source": one.source,
                "retrieved": one.retrieved.isoformat(),
                "size": one.size,
                "file": name,
                "withheld": one.why or None,
            }
        )
        if name is not None and one.content is not None:
            yield File(name=name, content=one.content, about=f"evidence, from {one.source}")
    yield json_file("evidence/index.json", listed, "the files of the register, with those that are withheld")
    live = [{"at": one.at.isoformat(), **one.content} for one in material.items]
    yield json_file("evidence/live.json", live, "what the running systems showed of themselves")


def _index(points: tuple[Point, ...]) -> dict[str, Any]:
    return {"source": SOURCE, "statement": NOT_A_DECISION, "points": [flat(one) for one in points]}

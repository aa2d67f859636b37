"""The files of a dossier, but for the seal and the manifest: from `Material` alone, the same for the same."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.dossier import oscal
from trustworks.assurance.dossier.chapters import banners, chapters
from trustworks.assurance.dossier.drawing import hierarchy
from trustworks.assurance.dossier.model import File, Rank
from trustworks.assurance.dossier.points import SOURCE, Point, index
from trustworks.assurance.dossier.reading import as_page, as_paper
from trustworks.assurance.dossier.register_list import is_listed, register_csv
from trustworks.assurance.report import NOT_A_DECISION, as_values, forecast_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trustworks.assurance.dossier.model import Material, ServiceIdentity
    from trustworks.assurance.engine import Forecast

PAPER: Final = "dossier.pdf"
_SAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def contents(material: Material, forecasts: Iterable[Forecast] = ()) -> tuple[tuple[File, ...], bytes]:
    """All files but the paper, and the paper before it is sealed."""
    found = list(_data(material, forecasts))
    by_point: dict[str, tuple[str, ...]] = {}
    for point, file in _for_assessors(material):
        found.append(file)
        by_point[point] = (*by_point.get(point, ()), file.name)
    by_point["4"] = ("verdicts.json", "evidence/index.json", "evidence/live.json")
    by_point["8"] = ("about.json",)
    points = index(by_point, _notes(material))
    found.append(_json("annex-iii/index.json", _index(points), "the index to Annex III, point by point"))
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
    yield _json("about.json", about(material), "who the dossier is about, and what made it")
    yield File(
        name="register.csv",
        content=register_csv(material.facts, material.reports, material.devices),
        about="products and devices with the verdict of each rule set",
    )
    reports = [as_values(one) for one in material.reports]
    yield _json(
        "verdicts.json",
        {"statement": NOT_A_DECISION, "reports": reports},
        "what the rule sets answer, with every rule, fact and missing piece",
    )
    yield _json(
        "forecast.json",
        {"statement": NOT_A_DECISION, "forecasts": [forecast_values(one) for one in forecasts]},
        "on which days verdicts change, if nothing but time passes",
    )
    yield from _evidence(material)
    yield _json("keys.json", [_flat(one) for one in material.keys], "the register of keys")
    yield _json(
        "trace.json",
        material.trace if material.trace is not None else {"state": "missing"},
        "requirements, where they are carried out, the tests that show them",
    )
    yield _json(
        "statements.json",
        {
            "statement": NOT_A_DECISION,
            "about_results": (material.trace or {}).get("about_results", ""),
            "standards": list(material.statements),
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
            yield _json(f"audit/{name}.json", value, f"the audit log: {name}")
    for draft in material.drafts:
        yield File(
            name=f"notices/{_named(draft.name)}.txt",
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
        name = f"evidence/{one.sha256[:16]}-{_named(one.name)}" if one.content is not None else None
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
    yield _json("evidence/index.json", listed, "the files of the register, with those that are withheld")
    live = [{"at": one.at.isoformat(), **one.content} for one in material.items]
    yield _json("evidence/live.json", live, "what the running systems showed of themselves")


def _for_assessors(material: Material) -> Iterator[tuple[str, File]]:
    """The files for the points of the annex."""
    for one in material.identities:
        name = f"annex-iii/09/{_named(one.name)}.pem"
        yield "9", File(name=name, content=one.pem.encode(), about=f"certificate of {one.name}: {one.use}")
    if material.identities:
        values = [_identity(one) for one in material.identities]
        yield "9", _json("annex-iii/09/identities.json", values, "service identities: SKI, PEM, role, use")
        drawing = hierarchy(material.identities)
        about_it = "the hierarchy of certification authorities"
        yield "10(a)", File(name="annex-iii/10/hierarchy.svg", content=drawing, about=about_it)
    above = [one for one in material.identities if one.rank is not Rank.END_ENTITY]
    if above:
        authorities = [
            {"name": one.name, "ski": one.key_identifier, "role": one.rank.value, "above": one.parent}
            for one in above
        ]
        yield "10(b)", _json("annex-iii/10/authorities.json", authorities, "the authorities by their SKI")
    if material.policy_sets:
        sets = [_flat(one) for one in material.policy_sets]
        yield "10(c)", _json("annex-iii/10/policy-sets.json", sets, "the policy sets of each authority")
    for paper in material.papers:
        version = _named(f"{paper.kind}-{paper.language}-{paper.version}")
        ending = paper.name.rpartition(".")[2]
        name = f"annex-iii/13/{_named(paper.point)}-{version}.{_named(ending)}"
        yield paper.point, File(name=name, content=paper.content, about=f"{paper.title}, {paper.version}")
    for point, kinds in (("13(l)", "devices for users"), ("13(m)", "devices of the provider's own")):
        if is_listed(material.facts, material.devices, point):
            content = register_csv(material.facts, material.reports, material.devices, point=point)
            name = f"annex-iii/{point.replace('(', '-').rstrip(')')}.csv"
            yield point, File(name=name, content=content, about=kinds)
    for sample in material.samples:
        made = "made for trying" if sample.test else "from production"
        name = f"annex-iii/20/{_named(sample.name)}"
        yield "20", File(name=name, content=sample.content, about=f"{sample.what}, {made}")


def _notes(material: Material) -> dict[str, str]:
    return {
        "2": f"{material.provider.name}, {material.provider.identifier or 'without identifier'}; "
        "addresses and others who operate components: missing.",
    }


def _identity(one: ServiceIdentity) -> dict[str, Any]:
    return {
        "name": one.name,
        "ski": one.key_identifier,
        "role": one.rank.value,
        "use": one.use,
        "subject": one.subject,
        "above": one.parent,
        "sha256": one.sha256,
        "algorithm": one.algorithm,
        "not_before": one.not_before.isoformat(),
        "not_after": one.not_after.isoformat(),
        "pem": one.pem,
    }


def _index(points: tuple[Point, ...]) -> dict[str, Any]:
    return {"source": SOURCE, "statement": NOT_A_DECISION, "points": [_flat(one) for one in points]}


def _flat(value: Any) -> dict[str, Any]:
    """A dataclass of plain values."""
    return {name: list(one) if isinstance(one, tuple) else one for name, one in _members(value)}


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    for name in type(value).__dataclass_fields__:
        yield name, getattr(value, name)


def _named(text: str) -> str:
    """A name for a file, of letters that every system takes."""
    return _SAFE.sub("-", text).strip("-.")[:80] or "file"


def _json(name: str, value: Any, what: str) -> File:
    return File(
        name=name, content=(json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode(), about=what
    )

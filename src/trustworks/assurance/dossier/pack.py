"""The input for an assessor: files for the points of Annex III of (EU) 2025/2162, what is there for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.dossier.drawing import hierarchy
from trustworks.assurance.dossier.files import flat, json_file, named, place_of
from trustworks.assurance.dossier.model import File, Rank
from trustworks.assurance.dossier.points import SOURCE, Found
from trustworks.assurance.dossier.register_list import is_listed, register_csv
from trustworks.assurance.model import PAPERS, DocumentKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trustworks.assurance.dossier.model import Material, Paper, ServiceIdentity
    from trustworks.assurance.model import PaperKind

DOCUMENTS: Final = "annex-iii/documents.json"
# Documents about products that belong to a point of their own; all are on the list of documents.
_OF_PRODUCTS: Final[Mapping[DocumentKind, str]] = {
    DocumentKind.PRACTICE_STATEMENT: "13(a)",
    DocumentKind.RISK_ANALYSIS: "13(e)",
    DocumentKind.CONFORMITY: "13(j)",
    DocumentKind.QSCD_NOTIFICATION: "13(l)",
}
# What the systems make for these is what they ask for; of others the provider has to say more.
_WHOLE: Final = frozenset({"4", "8", "9", "10(a)", "10(b)", "10(c)", "13(a)", "13(b)", "13(c)", "20"})


def for_assessors(material: Material) -> Iterator[tuple[str, File]]:
    """The files for the points of the annex."""
    yield from _of_identities(material)
    if material.policy_sets:
        sets = [flat(one) for one in material.policy_sets]
        yield "10(c)", json_file("annex-iii/10/policy-sets.json", sets, "the policy sets of each authority")
    for one in material.inputs:
        yield one.point, json_file(f"annex-iii/{named(one.name)}.json", one.values, one.about)
    listed = _documents(material)
    if listed:
        about_it = "every document with version, day, hash, and where it is"
        yield "13(g)", json_file(DOCUMENTS, {"source": SOURCE, "documents": listed}, about_it)
    for paper in material.papers:
        about_it = f"{paper.title}, {paper.version}"
        yield paper.point, File(name=_place(paper), content=paper.content, about=about_it)
    for point, kinds in (("13(l)", "devices for users"), ("13(m)", "devices of the provider's own")):
        if is_listed(material.facts, material.devices, point):
            content = register_csv(material.facts, material.reports, material.devices, point=point)
            name = f"annex-iii/{point.replace('(', '-').rstrip(')')}.csv"
            yield point, File(name=name, content=content, about=kinds)
    for sample in material.samples:
        made = "made for trying" if sample.test else "from production"
        name = f"annex-iii/20/{named(sample.name)}"
        yield "20", File(name=name, content=sample.content, about=f"{sample.what}, {made}")


def _of_identities(material: Material) -> Iterator[tuple[str, File]]:
    for service in material.identities:
        name = f"annex-iii/09/{named(service.name)}.pem"
        about_it = f"certificate of {service.name}: {service.use}"
        yield "9", File(name=name, content=service.pem.encode(), about=about_it)
    if not material.identities:
        return
    values = [_identity(one) for one in material.identities]
    about_it = "service identities: SKI, PEM, role, use"
    yield "9", json_file("annex-iii/09/identities.json", values, about_it)
    drawing = hierarchy(material.identities)
    about_it = "the hierarchy of certification authorities"
    yield "10(a)", File(name="annex-iii/10/hierarchy.svg", content=drawing, about=about_it)
    authorities = [
        {"name": one.name, "ski": one.key_identifier, "role": one.rank.value, "above": one.parent}
        for one in material.identities
        if one.rank is not Rank.END_ENTITY
    ]
    if authorities:
        yield "10(b)", json_file("annex-iii/10/authorities.json", authorities, "the authorities by their SKI")


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


def _place(paper: Paper) -> str:
    version = named(f"{paper.kind}-{paper.language}-{paper.version}")
    ending = named(paper.name.rpartition(".")[2])
    return f"annex-iii/13/{named(paper.point)}-{version}.{ending}"


def _documents(material: Material) -> list[dict[str, Any]]:
    """All documents, those that the systems make first: point 13 asks for the list, with versions."""
    kept = {one.sha256: one for one in material.files}

    def told(points: Iterable[str], sha256: str, **values: Any) -> dict[str, Any]:
        file = kept.get(sha256)
        place = None if file is None else place_of(file)
        withheld = file.why if file is not None and place is None else None
        return {"points": list(points), **values, "sha256": sha256, "file": place, "withheld": withheld}

    made = [
        {
            "points": [one.point],
            "kind": one.kind,
            "title": one.title,
            "version": one.version,
            "date": one.since.date().isoformat(),
            "language": one.language,
            "pages": "",
            "sha256": one.sha256,
            "file": _place(one),
            "withheld": None,
        }
        for one in material.papers
    ]
    handed = [
        told(
            PAPERS[one.kind].points,
            one.sha256,
            kind=one.kind.value,
            title=one.title,
            version=one.version,
            date=one.written.isoformat(),
            language=one.language,
            pages=one.pages,
        )
        for one in material.handed_in
    ]
    about_products = [
        told(
            [_OF_PRODUCTS.get(one.kind, "13(g)")],
            one.sha256,
            kind=one.kind.value,
            title=f"{one.title} ({one.product})",
            version="",
            date=one.written.isoformat(),
            language="",
            pages="",
        )
        for one in material.facts.documents
    ]
    return [*made, *handed, *about_products]


def by_points(material: Material, pack: Iterable[tuple[str, File]]) -> dict[str, Found]:
    """What there is for each point: the files of the pack, documents of the provider, what is not known."""
    files: dict[str, list[str]] = {
        "4": ["verdicts.json", "evidence/index.json", "evidence/live.json"],
        "8": ["about.json"],
    }
    kinds: dict[str, set[PaperKind]] = {}
    for point, file in pack:
        files.setdefault(point, []).append(file.name)
    for listed in _documents(material):
        for point in listed["points"]:
            files.setdefault(point, []).append(listed["file"] or DOCUMENTS)
    for paper in material.handed_in:
        for point in PAPERS[paper.kind].points:
            kinds.setdefault(point, set()).add(paper.kind)
    whole = {one.point for one in material.inputs if one.whole} | (_WHOLE & files.keys())
    lacks = {
        point: tuple(
            sentence
            for one in material.inputs
            if one.point == point and not one.instead & kinds.get(point, set())
            for sentence in one.lacks
        )
        for point in files
    }
    return {
        point: Found(
            files=tuple(dict.fromkeys(files.get(point, ()))),
            kinds=frozenset(kinds.get(point, ())),
            whole=point in whole,
            lacks=lacks.get(point, ()),
        )
        for point in files.keys() | kinds.keys()
    }

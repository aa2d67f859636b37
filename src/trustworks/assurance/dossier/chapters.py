"""What people read of a dossier, as chapters of plain text and tables: page and paper are made of it."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.assurance.dossier.clauses import clauses
from trustworks.assurance.dossier.layout import Chapter, Table
from trustworks.assurance.dossier.model import Profile
from trustworks.assurance.dossier.points import State
from trustworks.assurance.dossier.reasons import reasons
from trustworks.assurance.dossier.register_list import MISSING, point_of
from trustworks.assurance.evidence import Outcome
from trustworks.assurance.model import PAPERS, Verdict, standing
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Collection

    from trustworks.assurance.dossier.model import Material
    from trustworks.assurance.dossier.points import Point
    from trustworks.assurance.model import ProcessVerdict, Report

TEST_MODULE: Final = "insufficient: test module"
WHO_DECIDES: Final = "Evidence, no decision: the conformity assessment body and the supervisory body decide."
_MOST_REASONS: Final = 4


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-BANNER", disabled=())
def banners(material: Material) -> tuple[str, ...]:
    """What stands on every page."""
    found = [WHO_DECIDES]
    if material.test_modules:
        found.insert(0, f"{TEST_MODULE} ({', '.join(material.test_modules)})")
    elif material.provider.lab:
        found.insert(0, "laboratory: nothing here has legal effect")
    return tuple(found)


def chapters(material: Material, points: tuple[Point, ...]) -> tuple[Chapter, ...]:
    """The whole dossier, in its order."""
    return (
        _about(material),
        *(_verdicts(report, material.test_modules) for report in material.reports),
        *(reasons(one, partial(_verdict, test_modules=material.test_modules)) for one in material.reports),
        _products(material),
        _live(material),
        _identities(material),
        Chapter(title="Hierarchy", paragraphs=("Annex III, point 10(a) and (b).",), drawn=True),
        _policy_sets(material),
        _papers(material),
        _keys(material),
        _log(material),
        _trace(material),
        *clauses(material),
        _index(points),
    )


def _about(material: Material) -> Chapter:
    provider = material.provider
    rows = (
        ("Provider", provider.name),
        ("Identifier", provider.identifier or MISSING),
        ("Made", f"{material.made:%Y-%m-%d %H:%M:%S} UTC"),
        ("Made by", provider.product),
        ("Build", provider.build or MISSING),
        ("Manifest of the installation (SHA-256)", provider.manifest or MISSING),
        ("Persons", _PROFILES[material.profile]),
    )
    return Chapter(
        title="What this is",
        paragraphs=(
            (
                "What a provider of trust services shows of its systems and products (Article 24(2)(e) of "
                "Regulation (EU) 910/2014), collected from what runs. It says nothing about what a "
                "conformity assessment body or a supervisory body decides."
            ),
            (
                "manifest.json names every file with its SHA-256, and a seal is over it. `trustworks dossier "
                "verify` verifies both without the provider."
            ),
        ),
        table=Table(head=("", ""), rows=rows, widths=(2, 5)),
    )


_PROFILES: Final = {
    Profile.PSEUDONYMS: "by pseudonyms; files with addresses of persons are withheld and named by their hash",
    Profile.FULL: "as they are registered",
}


def _verdicts(report: Report, test_modules: Collection[str]) -> Chapter:
    rows = tuple(
        (
            *(service.service, process.process, process.product or MISSING),
            *(_verdict(process, test_modules), _why(process)),
        )
        for service in report.services
        for process in service.processes
    )
    paragraphs = [f"{one.service}: {standing(one.verdict, one.begins)}." for one in report.services]
    if not rows:
        paragraphs.append("Nothing is bound to a service: missing.")
    paragraphs += [f"Gap: {one}" for one in report.unbound]
    paragraphs += [f"Old source: {one}" for one in report.stale]
    head = ("Service", "Process", "Product", "Verdict", "Why")
    return Chapter(
        title=f"Verdicts: {report.title}, {report.at}",
        paragraphs=tuple(paragraphs),
        table=Table(head=head, rows=rows, widths=(3, 3, 2, 2, 7)) if rows else None,
    )


def _verdict(process: ProcessVerdict, test_modules: Collection[str]) -> str:
    """The verdict; of a test module with the reason that stands above all others."""
    if process.product in test_modules and process.verdict is Verdict.INSUFFICIENT:
        return TEST_MODULE
    return standing(process.verdict, process.begins)


def _why(process: ProcessVerdict) -> str:
    best = process.best
    reasons = () if best is None else best.deciding
    low = tuple(one for one in process.conditions if one.verdict is process.verdict)
    told = [f"{one.sentence} [{one.rule}]" for one in (*low, *reasons)[:_MOST_REASONS]]
    return " ".join(dict.fromkeys(told)) or process.note


def _products(material: Material) -> Chapter:
    rows = tuple(
        (
            *(point_of(one), one.id, one.name, one.firmware or one.software or MISSING),
            *(one.serial or MISSING, ", ".join(one.certificates) or MISSING),
        )
        for one in material.facts.products
    )
    offered = tuple(
        ("13(l)", one.product, one.kind, "", "", one.reference or MISSING) for one in material.devices
    )
    return Chapter(
        title="Products and devices",
        paragraphs=(
            "Annex III, point 13(l) and (m). register.csv has all columns.",
            *(() if rows else ("Of the provider's own devices: missing.",)),
        ),
        table=Table(
            head=("Point", "Id", "Name", "Version", "Serial", "Certificates"),
            rows=rows + offered or ((MISSING,) * 6,),
            widths=(1, 2, 3, 2, 2, 3),
        ),
    )


def _live(material: Material) -> Chapter:
    counts = {one: sum(item.outcome is one for item in material.items) for one in Outcome}
    told = ", ".join(f"{one.value}: {number}" for one, number in counts.items())
    return Chapter(
        title="Live evidence",
        paragraphs=(f"{told}. evidence/live.json has all values." if material.items else MISSING,),
        table=Table(
            head=("Kind", "Subject", "When", "Outcome", "What was found"),
            rows=tuple(
                (one.kind.value, one.subject, f"{one.at:%Y-%m-%d %H:%M}", one.outcome.value, one.sentence)
                for one in material.items
            ),
            widths=(2, 2, 2, 1, 6),
        )
        if material.items
        else None,
    )


def _identities(material: Material) -> Chapter:
    return Chapter(
        title="Service identities",
        paragraphs=("Annex III, point 9(b). The certificates are in annex-iii/09.",)
        if material.identities
        else (MISSING,),
        table=Table(
            head=("Name", "Use", "Role", "Subject key identifier", "Valid until"),
            rows=tuple(
                (one.name, one.use, one.rank.value, one.key_identifier, f"{one.not_after:%Y-%m-%d}")
                for one in material.identities
            ),
            widths=(2, 3, 3, 5, 2),
        )
        if material.identities
        else None,
    )


def _policy_sets(material: Material) -> Chapter:
    rows = tuple(
        (
            *(one.authority, one.profile, ", ".join(one.policies) or MISSING),
            *("qualified" if one.qualified else "not qualified", one.purpose, one.device),
        )
        for one in material.policy_sets
    )
    return Chapter(
        title="Policy sets of the authorities",
        paragraphs=("Annex III, point 10(c).",) if rows else (MISSING,),
        table=Table(
            head=("Authority", "Profile", "Policies", "Qualified", "For", "Device"),
            rows=rows,
            widths=(2, 3, 4, 2, 2, 2),
        )
        if rows
        else None,
    )


def _papers(material: Material) -> Chapter:
    """The documents, with where each one is: a file of the dossier, or withheld and told by its hash."""
    there = {one.sha256 for one in material.files if one.content is not None}
    rows = tuple(
        (one.point, one.title, one.version, f"{one.since:%Y-%m-%d}", "all", one.sha256[:16], "here")
        for one in material.papers
    ) + tuple(
        (
            *(", ".join(PAPERS[one.kind].points), f"{one.title} ({one.kind})", one.version),
            *(one.written.isoformat(), one.pages or "all", one.sha256[:16]),
            "here" if one.sha256 in there else "withheld",
        )
        for one in material.handed_in
    )
    return Chapter(
        title="Documents",
        paragraphs=("Annex III, point 13 and others; annex-iii/documents.json has the whole hashes.",)
        if rows
        else (MISSING,),
        table=Table(
            head=("Point", "Title", "Version", "Day", "Pages", "SHA-256 begins", "File"),
            rows=rows,
            widths=(2, 5, 1, 2, 2, 3, 2),
        )
        if rows
        else None,
    )


def _keys(material: Material) -> Chapter:
    rows = tuple((one.token, one.label, one.algorithm, one.state) for one in material.keys)
    return Chapter(
        title="Keys",
        paragraphs=() if rows else (MISSING,),
        table=Table(head=("Token", "Label", "Algorithm", "State"), rows=rows, widths=(2, 3, 2, 2))
        if rows
        else None,
    )


def _log(material: Material) -> Chapter:
    told = (
        f"{MISSING}: no checkpoint has been made yet."
        if material.log is None
        else "The newest checkpoint of the audit log is in audit/checkpoint.json, signed and, where it was "
        "stamped, time-stamped. `trustworks audit verify --against` compares a log with it."
    )
    return Chapter(title="Audit log", paragraphs=(told,))


def _trace(material: Material) -> Chapter:
    if material.trace is None:
        return Chapter(title="Requirements", paragraphs=(MISSING,))
    counts = material.trace["counts"]
    return Chapter(
        title="Requirements",
        paragraphs=(
            "How the product's own requirements are carried out and shown; trace.json has each.",
            *((told,) if (told := material.trace.get("about_results")) else ()),
        ),
        table=Table(
            head=("State", "Requirements"),
            rows=tuple((str(state), str(number)) for state, number in counts.items()),
            widths=(3, 1),
        ),
    )


def _index(points: tuple[Point, ...]) -> Chapter:
    counts = Counter(one.state for one in points)
    told = ", ".join(f"{state.value}: {counts[state]}" for state in State if counts[state])
    return Chapter(
        title="Index to Annex III of Implementing Regulation (EU) 2025/2162",
        paragraphs=(f"{told}.", "What a point lacks is told with how to supply it."),
        table=Table(
            head=("Point", "What", "State", "Files, and what is lacking"),
            rows=tuple(
                (
                    one.number,
                    one.words,
                    one.state.value,
                    ". ".join(filter(None, (_some(one.files), one.note))),
                )
                for one in points
            ),
            widths=(1, 4, 2, 7),
        ),
    )


def _there(point: Point) -> str:
    return ". ".join(one for one in (_some(point.files), point.note) if one)


def _some(files: tuple[str, ...]) -> str:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return ", ".join(files[:3]) + more

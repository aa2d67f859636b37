"""Drafts of notices, as text for people: of a change, and of an incident within 24 hours.

What is not known stands there as "missing", so that nobody takes a draft for a notice. Nothing is sent from
here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.assurance.changes.model import ELEMENTS
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from trustworks.assurance.changes.model import Change, Incident, Paper

MISSING: Final = "missing"
WITHIN: Final = timedelta(hours=24)
_EVIDENCE: Final = (
    "This is a draft made from records. It is evidence, and decides nothing: the provider completes it, and "
    "decides whether and to whom it is sent."
)


@implements("TRUSTWORKS:ASSURANCE-CHANGE-NOTICE", "EU2025-2530:1.1", "EU2025-2530:1.2", disabled="")
def change_notice(change: Change, *, provider: str, now: datetime) -> str:
    """The draft of a notification of a change, with each point of Article 1(2) of (EU) 2025/2530."""
    plan = change.plan
    return _document(
        "Draft: notification of a change",
        [
            ("Provider", [provider]),
            ("To", ["the supervisory body; the conformity assessment body where its scheme asks for it"]),
            ("Legal basis", ["(EU) 910/2014, Article 24(2)(a); (EU) 2025/2530, Article 1"]),
            ("Services concerned", plan.services),
            (
                "What changes (Article 1(1))",
                [f"({one}) {ELEMENTS[one]}" for one in sorted(set(plan.elements))],
            ),
            ("Description of the change (Article 1(2)(a))", [plan.title, plan.description]),
            ("Product", [plan.product]),
            (
                "What will look different",
                [f"{name}: {value}" for name, value in sorted(plan.announced.items())],
            ),
            ("Planned date and time (Article 1(2)(b))", [_moment(plan.planned)]),
            ("Reasons (Article 1(2)(c))", [plan.reasons]),
            ("Evidence for the reasons, where applicable (Article 1(2)(c))", map(_paper, plan.evidence)),
            ("Updated documents, where applicable (Article 1(2)(d))", map(_paper, plan.documents)),
            ("Why less than a month ahead", [plan.urgent or "not applicable"]),
            ("State of the change", [f"{change.state.value}, change {change.number} of the register"]),
        ],
        now,
    )


@implements("TRUSTWORKS:ASSURANCE-INCIDENT-NOTICE", disabled="")
def incident_notice(incident: Incident, *, provider: str, now: datetime) -> str:
    """The draft of a notification of a breach or disruption, which is due 24 hours after it became known."""
    due = incident.at + WITHIN
    late = " (this time is over)" if now > due else ""
    facts = [f"{name}: {value}" for name, value in sorted(incident.facts.items())]
    return _document(
        "Draft: notification of a security breach or disruption",
        [
            ("Provider", [provider]),
            ("To", ["the supervisory body; others concerned as the law says"]),
            ("Legal basis", ["(EU) 910/2014, Article 24(2)(fb)"]),
            ("Became known", [_moment(incident.at)]),
            ("To be notified by", [f"{_moment(due)}{late}"]),
            ("Product", [incident.product]),
            ("Services concerned", incident.services),
            ("What was found", incident.findings),
            ("What the records say", facts),
            ("Effect on services and on personal data", []),
            ("Who is affected, and how many", []),
            ("Cause, as far as known", []),
            ("Measures taken and planned", []),
            ("Effect in other Member States", []),
            ("Contact", []),
            ("Record", [f"incident {incident.number} of the register, {_ending(incident)}"]),
        ],
        now,
    )


def _ending(incident: Incident) -> str:
    end = incident.end
    return "open" if end is None else f"closed on {end.on} as {end.outcome}: {end.reason}"


def _document(title: str, points: list[tuple[str, Iterable[str]]], now: datetime) -> str:
    lines = [title, "=" * len(title), "", _EVIDENCE, f"Drafted {_moment(now)}.", ""]
    for name, told in points:
        said = [one.strip() for one in told if one.strip()] or [MISSING]
        lines.append(f"{name}:")
        lines += [f"  {line}".rstrip() for one in said for line in one.splitlines()]
        lines.append("")
    return "\n".join(lines)


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if not value.utcoffset() else value.isoformat(sep=" ")


def _paper(paper: Paper) -> str:
    version = f", version {paper.version}" if paper.version else ""
    return f"{paper.title}{version}, SHA-256 {paper.sha256 or MISSING}"

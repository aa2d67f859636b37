"""Key ceremonies: what was carried out, its transcript, and a plan that an operator reads and approves."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trustworks.app.web.console.edge import Page, nothing_here
from trustworks.core.audit.tokens import stamped_time
from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony import records as ceremonies
from trustworks.core.ceremony.approvals import approval_objections, kind_of
from trustworks.core.ceremony.ceremonies import find_transcript
from trustworks.core.ceremony.model import KINDS
from trustworks.core.ceremony.rendering import as_html
from trustworks.core.ceremony.rules import placeholder_objections, plan_objections
from trustworks.core.ceremony.transcript import as_document
from trustworks.core.ceremony.verify import verify
from trustworks.core.errors import Malformed
from trustworks.core.http import RawResponse
from trustworks.core.roles.model import Act
from trustworks.core.roles.rules.duties import may

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.ceremony.model import Participant, Plan, Read
    from trustworks.core.ceremony.transcript import Entry, Transcript

ROOT: Final = "/console/ceremonies"
PLAN: Final = f"{ROOT}/plan"


class Ceremonies:
    """The handlers. They only read; an approval is given where all approvals are (`approving`)."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def pages(self) -> list[Page]:
        """The pages."""
        return [
            Page(path=ROOT, act=Act.READ_RECORDS, answer=self.show_all),
            Page(path=PLAN, act=Act.READ_RECORDS, answer=self.plan, method="POST"),
            Page(path=f"{ROOT}/{{}}", act=Act.READ_RECORDS, answer=self.show),
            Page(path=f"{ROOT}/{{}}/transcript.html", act=Act.READ_RECORDS, answer=self.as_page),
            Page(path=f"{ROOT}/{{}}/transcript.json", act=Act.READ_RECORDS, answer=self.as_file),
        ]

    def show_all(self, visit: Visit) -> RawResponse:
        """All ceremonies, and a place for a plan."""
        with self._edge.roles.office.database.read() as connection:
            rows = ceremonies.listing(connection)
        return self._edge.page("ceremonies.html", visit=visit, rows=rows, kinds=KINDS)

    def _found(self, visit: Visit) -> Transcript:
        with self._edge.roles.office.database.read() as connection:
            found = find_transcript(connection, visit.parts[0])
        if found is None:
            raise nothing_here()
        return found

    def show(self, visit: Visit) -> RawResponse:
        """The page of a ceremony that was begun."""
        found = self._found(visit)
        plan = found.plan.plan
        return self._edge.page(
            "ceremony.html",
            visit=visit,
            found=found,
            plan=plan,
            kind=KINDS[plan.type],
            verdict=verify(found, check_token=stamped_time),
            steps=_steps(plan, found.entries),
            others=[one for one in found.entries if one.event in {"failed", "resumed", "abandoned"}],
            missing=self._missing(found.plan) if not found.ended else (),
            signs_as=_signs_as(visit, found),
            has_passkey=_has_passkey(visit),
        )

    def as_page(self, visit: Visit) -> RawResponse:
        """The transcript as one page that stands alone, to be read and printed."""
        found = self._found(visit)
        text = as_html(found, verify(found, check_token=stamped_time))
        return RawResponse(200, "text/html; charset=utf-8", text.encode(), _headers_alone(text))

    def as_file(self, visit: Visit) -> RawResponse:
        """The transcript as the document that `trustworks keys ceremony verify` reads."""
        found = self._found(visit)
        text = json.dumps(as_document(found), indent=2) + "\n"
        name = f"{found.plan.plan.name}.transcript.json"
        headers = (
            ("content-disposition", f'attachment; filename="{name}"'),
            ("cache-control", "no-store"),
        )
        return RawResponse(200, "application/json", text.encode(), headers)

    def plan(self, visit: Visit) -> RawResponse:
        """A plan as its file has it: read aloud, judged, and how many have approved it."""
        text = visit.field("plan")
        if not text:
            raise Malformed("Put in the text of the plan's file (TOML), all of it.")
        read = plans.read(text.encode(), named="The plan")
        plan, office = read.plan, self._edge.roles.office
        own = plan.participant(visit.actor.name)
        with office.database.read() as connection:
            begun = ceremonies.digest_of(connection, read.digest) is not None
        verdict = self._edge.roles.quorum_of(kind_of(plan), read.digest)
        return self._edge.page(
            "plan.html",
            visit=visit,
            read=read,
            plan=plan,
            what=kind_of(plan),
            kind=KINDS[plan.type],
            objections=[
                *plan_objections(plan, lab=office.lab if plan.unattended else False),
                *(("TRUSTWORKS:CEREMONY-FILLED-IN", said) for said in placeholder_objections(plan)),
            ],
            steps=_steps(plan),
            counted=verdict.counted,
            not_counted=verdict.not_counted,
            missing=self._missing(read),
            begun=begun,
            role=_approves_as(visit, own),
            has_passkey=_has_passkey(visit),
            gave=any(one.content.operator == visit.actor.name for one in verdict.counted),
        )

    def _missing(self, read: Read) -> tuple[str, ...]:
        """What is missing of the approvals that the plan and the provider's policy ask for."""
        verdict = self._edge.roles.quorum_of(kind_of(read.plan), read.digest)
        return tuple(dict.fromkeys((*approval_objections(read.plan, verdict.counted), *verdict.missing)))


def _approves_as(visit: Visit, own: Participant | None) -> str | None:
    """The role in which the plan has this operator approve it, if he holds it."""
    if own is None or not own.approves:
        return None
    return own.role if own.role in {one.value for one in visit.actor.operator.roles} else None


def _signs_as(visit: Visit, found: Transcript) -> str | None:
    """The role in which this operator still has to sign the transcript, if he may do it here."""
    own = found.plan.plan.participant(visit.actor.name)
    if found.seal is None or own is None or not (own.signs or own.witness):
        return None
    if any(one["content"]["operator"] == own.name for one in found.signatures):
        return None
    role = next((one for one in visit.actor.operator.roles if one.value == own.role), None)
    return role.value if role is not None and may({role}, Act.APPROVE) else None


def _has_passkey(visit: Visit) -> bool:
    return any(one.kind == "passkey" and one.is_usable for one in visit.actor.operator.credentials)


_HEAD: Final = frozenset({"kind", "phase", "by"})


class StepRow(NamedTuple):
    """A step of the script with all that it says, and when it was begun and done."""

    number: int
    kind: str
    phase: str
    by: str
    says: list[tuple[str, str]]
    begun: str
    done: str


def _steps(plan: Plan, entries: Iterable[Entry] = ()) -> list[StepRow]:
    """Every step: who approves a plan approves all that is in it."""
    times = {(one.event, one.step): one.time for one in entries}
    return [
        StepRow(
            number=number,
            kind=step["kind"],
            phase=step["phase"],
            by=", ".join(step["by"]) or "nobody",
            says=[(name, _told(value)) for name, value in step.items() if name not in _HEAD],
            begun=times.get(("begun", number), ""),
            done=times.get(("done", number), ""),
        )
        for number, step in enumerate(plans.as_values(plan)["steps"], 1)
    ]


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _headers_alone(text: str) -> tuple[tuple[str, str], ...]:
    """What a page with a style sheet of its own may do: nothing but have that one."""
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return (
        ("content-security-policy", policy),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
    )

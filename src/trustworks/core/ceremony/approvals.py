"""Who approved a plan and who signed a transcript: held against the plan, and written for years.

Approvals are `core.roles`' own. The public credentials of all participants go into the transcript's first
entry, under its seal, so that who holds the document can verify approvals and signatures without us.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.ceremony.model import TRANSCRIPT_KIND
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError
from trustworks.core.roles import Approval, Credential, verify_approval
from trustworks.core.roles.rules.credentials import check_credential
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.core.ceremony.model import Participant, Plan
    from trustworks.core.roles import Operator, QuorumVerdict

_LEAST_ROLES: Final = 2


def kind_of(plan: Plan) -> str:
    """What an approval of this plan says that it is about, such as ceremony.root."""
    return f"ceremony.{plan.type}"


@implements("EN319411-1:GEN-6.5.1-03", disabled=())
def operator_objections(plan: Plan, operators: Iterable[Operator]) -> tuple[str, ...]:
    """Whether each participant is an active operator, holds the role, and has a credential."""
    known = {one.name: one for one in operators}
    found = []
    for one in plan.participants:
        operator = known.get(one.name)
        if operator is None or operator.state != "active":
            found.append(f"{one.name} is no active operator")
        elif one.role not in {role.value for role in operator.roles}:
            found.append(f"{one.name} does not hold the role {one.role}")
        elif not any(credential.is_usable for credential in operator.credentials):
            found.append(f"{one.name} has no credential, and so can sign nothing")
    return tuple(found)


@implements("TRUSTWORKS:CEREMONY-APPROVED", "EN319411-1:GEN-6.5.1-04", disabled=())
def approval_objections(plan: Plan, approved: Iterable[Approval]) -> tuple[str, ...]:
    """What is missing of the approvals that the plan itself asks for; their signatures were verified."""
    by = {one.content.operator: one.content.role.value for one in approved if _may(plan, one, "approves")}
    found = []
    if len(by) < plan.approvals:
        found.append(
            f"{len(by)} of {plan.approvals} approvals are there"
            + (f" (by {', '.join(sorted(by))})" if by else "")
        )
    elif plan.approvals and len(set(by.values())) < _LEAST_ROLES:
        found.append("all approvals are of one role, and two are needed")
    return tuple(found)


def _may(plan: Plan, approval: Approval, duty: str) -> bool:
    """Whether the plan gives the approver that duty, in the role that the approval says."""
    one = plan.participant(approval.content.operator)
    return one is not None and bool(getattr(one, duty)) and one.role == approval.content.role.value


@implements("TRUSTWORKS:CEREMONY-APPROVED")
def check_approved(plan: Plan, digest: str, verdict: QuorumVerdict) -> None:
    """Refuse to carry out a plan without the approvals that it and the provider's policy ask for."""
    missing = [*approval_objections(plan, verdict.counted), *verdict.missing]
    if missing:
        told = "; ".join(dict.fromkeys(missing))
        why = "".join(
            f" That of {one.content.operator} does not count: {said}." for one, said in verdict.not_counted
        )
        raise Refused(
            "TRUSTWORKS:CEREMONY-APPROVED",
            f"The plan {plan.name} ({digest}) is not approved: {told}.{why} Let those approve it whom the "
            "plan names with approves = true.",
        )


@implements("TRUSTWORKS:CEREMONY-APPROVED")
def check_may_approve(plan: Plan, approval: Approval, digest: str) -> None:
    """Refuse an approval by who is not to approve the plan, and one of another plan."""
    content = approval.content
    if content.what != kind_of(plan) or content.sha256 != digest:
        raise Rejected("ceremony.signature", "The approval is about something else than this plan.")
    if not _may(plan, approval, "approves"):
        raise Refused(
            "TRUSTWORKS:CEREMONY-APPROVED",
            f"The plan {plan.name} does not have {content.operator} approve it as {content.role.value}. "
            "Those with approves = true do.",
        )


def check_is_operators(approval: Approval, operator: Operator | None, at: datetime) -> None:
    """Refuse an approval that no active operator in that role gave by a credential of his own.

    Raises `Rejected` (ceremony.signature, roles.signature), and `Refused` as `check_credential` does.
    """
    content = approval.content
    if operator is None or operator.state != "active":
        raise Rejected("ceremony.signature", f"{content.operator} is no active operator.")
    if content.role not in operator.roles:
        raise Rejected(
            "ceremony.signature", f"{content.operator} does not hold the role {content.role.value}."
        )
    credential = operator.credential(approval.key_id)
    if credential is None or not credential.is_usable:
        raise Rejected(
            "ceremony.signature",
            f"The key that signed is no credential of {content.operator}. Sign with one that is.",
        )
    check_credential(credential, at)
    verify_approval(approval, credential)


def check_signs(plan: Plan, approval: Approval, digest: str) -> None:
    """Refuse a signature of a transcript by who is not to sign it, or of another transcript."""
    content = approval.content
    if content.what != TRANSCRIPT_KIND or content.sha256 != digest:
        raise Rejected("ceremony.signature", "The signature is about something else than this transcript.")
    if not signs(plan, approval):
        raise Rejected(
            "ceremony.signature",
            f"The plan {plan.name} does not have {content.operator} sign the transcript as "
            f"{content.role.value}.",
        )


def check_known(approval: Approval, opening: Mapping[str, Any]) -> None:
    """Refuse a signature by a key that the transcript does not hold: nobody could verify it offline."""
    if approval.key_id not in credentials_of(opening):
        raise Rejected(
            "ceremony.signature",
            f"The key of {approval.content.operator} is none that the transcript knows: it came after the "
            "ceremony. Sign with one that was there then.",
        )


def signs(plan: Plan, approval: Approval) -> bool:
    """Whether the plan has the approver sign its transcript."""
    return _may(plan, approval, "signs") or _may(plan, approval, "witness")


def participants(plan: Plan, operators: Iterable[Operator]) -> list[tuple[Participant, Operator]]:
    """The plan's participants who are operators, with what the records know of them."""
    known = {one.name: one for one in operators}
    return [(one, known[one.name]) for one in plan.participants if one.name in known]


# ---- as JSON


def credential_values(credential: Credential) -> dict[str, Any]:
    """What is needed of a credential to verify with it; nothing in it is secret."""
    found: dict[str, Any] = {
        "key_id": credential.key_id,
        "operator": credential.operator,
        "kind": credential.kind,
        "label": credential.label,
        "public": base64.b64encode(credential.public).decode(),
        "added_at": credential.added_at.isoformat(),
        "added_by": credential.added_by,
    }
    if credential.handle is not None:
        found["handle"] = base64.b64encode(credential.handle).decode()
    return found | {
        name: value for name in ("rp_id", "origin") if (value := getattr(credential, name)) is not None
    }


def read_credential(value: Any) -> Credential:
    """A credential out of a transcript. Raises `Malformed`."""
    try:
        if value["kind"] not in {"certificate", "passkey"}:
            raise Malformed("A credential in the transcript is neither a certificate nor a passkey.")
        handle = value.get("handle")
        return Credential(
            key_id=str(value["key_id"]),
            operator=str(value["operator"]),
            kind=value["kind"],
            label=str(value["label"]),
            public=base64.b64decode(value["public"], validate=True),
            added_at=datetime.fromisoformat(value["added_at"]),
            added_by=str(value["added_by"]),
            handle=None if handle is None else base64.b64decode(handle, validate=True),
            rp_id=value.get("rp_id"),
            origin=value.get("origin"),
        )
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise Malformed(f"A credential in the transcript cannot be read: {error!r}.") from None


def verified(
    values: Iterable[Any], credentials: Mapping[str, Credential]
) -> tuple[list[Approval], list[str]]:
    """The approvals that hold, by credentials under the seal, and what is wrong with the others."""
    good, wrong = [], []
    for value in values:
        try:
            approval = Approval.from_dict(value)
            credential = credentials.get(approval.key_id)
            if credential is None:
                wrong.append(
                    f"{approval.content.operator} signed with a key that the transcript does not know of him"
                )
                continue
            verify_approval(approval, credential)
        except TrustworksError as error:
            wrong.append(str(error))
        else:
            good.append(approval)
    return good, wrong


def credentials_of(opening: Mapping[str, Any]) -> dict[str, Credential]:
    """The participants' credentials in the first entry, by key. Raises `Malformed`."""
    values = opening.get("credentials", [])
    if not isinstance(values, list):
        raise Malformed("The credentials in the transcript are no list.")
    return {one.key_id: one for one in map(read_credential, values)}

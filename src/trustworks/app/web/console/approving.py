"""Approvals by passkey: what waits, and a signature over what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trustworks.app.web.console.edge import JSON, MAX_BODY, members
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.http import Route
from trustworks.core.roles import Act, base64url, new_content, records
from trustworks.core.roles.approvals import Approval
from trustworks.core.roles.authentication import CHALLENGE_LASTS
from trustworks.core.roles.model import Role, role_named
from trustworks.core.roles.rules.duties import may
from trustworks.core.roles.standing import standing_of

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse
    from trustworks.core.roles.standing import Standing

PAGE: Final = "/console/approvals"


def routes(edge: Edge) -> list[Route]:
    """The routes of approvals."""
    pages = Approving(edge)
    return [
        Route(method="GET", path=PAGE, handler=edge.signed_in(pages.show)),
        *(
            Route(
                method="POST",
                path=path,
                handler=edge.signed_in(handler),
                content_types=(JSON,),
                max_body=MAX_BODY,
            )
            for path, handler in ((f"{PAGE}/options", pages.options), (PAGE, pages.add))
        ),
    ]


class Approving:
    """The handlers."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def show(self, visit: Visit) -> RawResponse:
        """The page: changes of roles that wait, and a form for what else is approved."""
        waiting = await self._edge.call(self._waiting)
        held = visit.actor.operator.roles
        return self._edge.page(
            "approvals.html",
            visit=visit,
            waiting=[one for one in waiting if one.change.operator != visit.actor.name],
            roles=[one.value for one in Role if one in held and may({one}, Act.APPROVE)],
        )

    def _waiting(self) -> list[Standing]:
        office = self._edge.roles.office
        with office.database.read() as connection:
            found = records.list_changes(connection, state="waiting")
            at = office.now().utc
            return [standing_of(connection, office.settings, one.sha256, at) for one in found]

    async def options(self, visit: Visit) -> RawResponse:
        """What is signed, and what the browser asks an authenticator for."""
        what, sha256, role = members(visit.request, "what", "sha256", "role")
        if not all(isinstance(one, str) for one in (what, sha256, role)):
            raise Malformed("what, sha256 and role are texts.")
        content = new_content(
            what=what,
            sha256=sha256,
            operator=visit.actor.name,
            role=role_named(role),
            time=self._edge.roles.office.now().utc,
        )
        own = [one for one in visit.actor.operator.credentials if one.kind == "passkey" and one.is_usable]
        if not own:
            raise Rejected(
                "roles.passkey",
                "No passkey of yours is registered. Register one, or approve by trustworks roles approve.",
            )
        return self._edge.json(
            {
                "content": content.as_dict(),
                "keys": {base64url.encode(one.handle or b""): one.key_id for one in own},
                "publicKey": {
                    "challenge": base64url.encode(content.digest()),
                    "rpId": self._edge.rp_id,
                    "timeout": int(CHALLENGE_LASTS.total_seconds() * 1000),
                    "userVerification": "required",
                    "allowCredentials": [
                        {"type": "public-key", "id": base64url.encode(one.handle or b"")} for one in own
                    ],
                },
            }
        )

    async def add(self, visit: Visit) -> RawResponse:
        """Record the approval."""
        (value,) = members(visit.request, "approval")
        approval = Approval.from_dict(value)
        if approval.content.operator != visit.actor.name:
            raise Refused("CENTS419261:IA1.1", "This approval is another operator's. Sign in as him.")
        return self._edge.json(await self._edge.call(self._add, approval))

    def _add(self, approval: Approval) -> dict[str, Any]:
        content, roles = approval.content, self._edge.roles
        standing = roles.approve(approval)
        verdict = roles.quorum_of(content.what, content.sha256) if standing is None else standing.verdict
        return {
            "approval": approval.approval_id,
            "missing": list(verdict.missing),
            "applied": standing is not None and standing.applied,
        }

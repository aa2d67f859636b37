"""What an operator is known by; a new passkey, which others approve before it counts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustworks.app.web.console.edge import HOME, JSON, MAX_BODY, members
from trustworks.core.errors import Malformed
from trustworks.core.http import Route
from trustworks.core.roles import base64url, passkeys
from trustworks.core.roles.authentication import CHALLENGE_LASTS
from trustworks.core.roles.changes import NewCredential, check_label, new_change

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse

ES256, RS256, EDDSA = -7, -257, -8  # COSE algorithms. Source: RFC 9053, 2


def routes(edge: Edge) -> list[Route]:
    """The routes of credentials."""
    pages = Credentials(edge)
    return [
        Route(method="GET", path=HOME, handler=edge.signed_in(pages.show)),
        *(
            Route(
                method="POST",
                path=f"{HOME}/{name}",
                handler=edge.signed_in(handler),
                content_types=(JSON,),
                max_body=MAX_BODY,
            )
            for name, handler in (("options", pages.options), ("passkey", pages.add))
        ),
    ]


class Credentials:
    """The handlers."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def show(self, visit: Visit) -> RawResponse:
        """The page."""
        return self._edge.page("credentials.html", visit=visit, operator=visit.actor.operator)

    async def options(self, visit: Visit) -> RawResponse:
        """What the browser asks an authenticator to make."""
        members(visit.request)
        name = visit.actor.name
        challenge = await self._edge.call(self._edge.roles.authentication.new_challenge, _purpose(name))
        known = [one for one in visit.actor.operator.credentials if one.kind == "passkey" and one.is_usable]
        return self._edge.json(
            {
                "challenge": base64url.encode(challenge),
                "rp": {"id": self._edge.rp_id, "name": "Trustworks"},
                "user": {
                    "id": base64url.encode(hashlib.sha256(name.encode()).digest()),
                    "name": name,
                    "displayName": name,
                },
                "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in (ES256, EDDSA, RS256)],
                "timeout": int(CHALLENGE_LASTS.total_seconds() * 1000),
                "excludeCredentials": [
                    {"type": "public-key", "id": base64url.encode(one.handle or b"")} for one in known
                ],
                "authenticatorSelection": {
                    "residentKey": "required",
                    "requireResidentKey": True,
                    "userVerification": "required",
                },
                "attestation": "none",
            }
        )

    async def add(self, visit: Visit) -> RawResponse:
        """Judge the new passkey, and ask the others for it."""
        label, answer = members(visit.request, "label", "credential")
        if not isinstance(label, str):
            raise Malformed("A label is text.")
        check_label(label)
        return await self._edge.call(self._add, visit, label, answer)

    def _add(self, visit: Visit, label: str, answer: object) -> RawResponse:
        roles, name = self._edge.roles, visit.actor.name
        challenge = passkeys.challenge_of_registration(answer)
        if not roles.authentication.take_challenge(challenge, _purpose(name)):
            raise Malformed("This took too long, or was sent twice. Make the passkey anew.")
        made = passkeys.register(
            answer, challenge=challenge, rp_id=self._edge.rp_id, origin=self._edge.origin
        )
        new = NewCredential.of_passkey(made, label, rp_id=self._edge.rp_id, origin=self._edge.origin)
        standing = roles.administration.request(
            visit.actor, new_change("add-credential", name, credentials=(new,))
        )
        return self._edge.json(
            {"sha256": standing.change.sha256, "missing": list(standing.verdict.missing), "key": new.key_id}
        )


def _purpose(name: str) -> str:
    return f"register:{name}"

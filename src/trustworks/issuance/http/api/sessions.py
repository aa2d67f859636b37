"""Operations on sessions. Signing in needs none, so it takes the body alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.issuance.http.api.service import Answer

if TYPE_CHECKING:
    from trustworks.issuance.http.api.bodies import SignInBody
    from trustworks.issuance.http.api.service import Api, Call


def sign_in(api: Api, body: SignInBody, address: str | None) -> Answer:
    """A session for a client's signature."""
    session, token = api.clients.sign_in(body.jws, audience=api.audience, address=address)
    return Answer(
        status=201,
        value={
            "token": token,
            "ends_at": session.ends_at.isoformat(),
            "acts": sorted(session.client.acts),
            "profiles": sorted(session.client.profiles),
        },
    )


def sign_out(api: Api, call: Call) -> Answer:
    """The end of the session."""
    api.clients.sign_out(call.token)
    return Answer(value={})

"""Signing in and out: by a passkey, or by the client's certificate that the pinned proxy hands on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trustworks.app.web.console.edge import FORM, JSON, LOGIN, MAX_BODY, field
from trustworks.app.web.console.edge import members as members_of
from trustworks.core.errors import Rejected
from trustworks.core.http import Route
from trustworks.core.roles import base64url
from trustworks.core.roles.authentication import CHALLENGE_LASTS, SIGN_IN
from trustworks.core.roles.passkeys import Assertion, challenge_of

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawRequest, RawResponse


def routes(edge: Edge) -> list[Route]:
    """The routes of signing in and out."""
    pages = SignIn(edge)
    return [
        Route(method="GET", path="/console", handler=edge.open(pages.home)),
        Route(method="GET", path=LOGIN, handler=edge.open(pages.show)),
        Route(
            method="POST",
            path=f"{LOGIN}/options",
            handler=edge.open(pages.options),
            content_types=(JSON,),
            max_body=MAX_BODY,
        ),
        Route(
            method="POST",
            path=f"{LOGIN}/passkey",
            handler=edge.open(pages.passkey),
            content_types=(JSON,),
            max_body=MAX_BODY,
        ),
        Route(
            method="POST",
            path=f"{LOGIN}/certificate",
            handler=edge.open(pages.certificate),
            content_types=(FORM,),
            max_body=MAX_BODY,
        ),
        Route(
            method="POST",
            path=f"{LOGIN}/code",
            handler=edge.open(pages.code),
            content_types=(FORM,),
            max_body=MAX_BODY,
        ),
        Route(
            method="POST",
            path="/console/logout",
            handler=edge.signed_in(pages.sign_out),
            content_types=(FORM,),
            max_body=MAX_BODY,
        ),
    ]


class SignIn:
    """The handlers."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._authentication = edge.roles.authentication

    async def home(self, request: RawRequest) -> RawResponse:
        """Where somebody belongs who asks for the console."""
        return self._edge.redirect(LOGIN if await self._edge.visit(request) is None else self._edge.home)

    async def show(self, request: RawRequest) -> RawResponse:
        """The page of the sign-in."""
        if await self._edge.visit(request) is not None:
            return self._edge.redirect(self._edge.home)
        anybody = await self._edge.call(self._edge.roles.office.operators)
        return self._edge.page(
            "login.html", nobody=not anybody, certificate=request.client_certificate is not None
        )

    async def options(self, request: RawRequest) -> RawResponse:
        """What the browser asks an authenticator for: any passkey of this place, with its user verified."""
        members_of(request)
        challenge = await self._edge.call(self._authentication.new_challenge, SIGN_IN)
        return self._edge.json(
            {
                "challenge": base64url.encode(challenge),
                "rpId": self._edge.rp_id,
                "timeout": int(CHALLENGE_LASTS.total_seconds() * 1000),
                "userVerification": "required",
                "allowCredentials": [],
            }
        )

    async def passkey(self, request: RawRequest) -> RawResponse:
        """Judge an assertion, and open a session."""
        (value,) = members_of(request, "assertion")
        assertion = Assertion.from_dict(value)
        sign_in = partial(self._authentication.by_passkey, address=request.client_address)
        _, token = await self._edge.call(sign_in, assertion, challenge_of(assertion))
        return self._edge.json({"location": self._edge.home}, 200, self._edge.cookie(token))

    async def certificate(self, request: RawRequest) -> RawResponse:
        """Open a session for the client's certificate."""
        if request.client_certificate is None:
            raise Rejected(
                "roles.certificate",
                "No client certificate came with this request. It comes over the reverse proxy that "
                "[http.proxy] names, which asks the browser for one.",
            )
        sign_in = partial(self._authentication.by_client_certificate, address=request.client_address)
        _, token = await self._edge.call(sign_in, request.client_certificate)
        return self._edge.redirect(self._edge.home, self._edge.cookie(token))

    async def code(self, request: RawRequest) -> RawResponse:
        """Open a session by a code of the command line."""
        sign_in = partial(self._authentication.by_entry, address=request.client_address)
        _, token = await self._edge.call(sign_in, field(request, "code"))
        return self._edge.redirect(self._edge.home, self._edge.cookie(token))

    async def sign_out(self, visit: Visit) -> RawResponse:
        """Close the session."""
        await self._edge.call(self._authentication.sign_out, visit.token, visit.actor)
        return self._edge.redirect(LOGIN, self._edge.cookie(""))

"""The operators' console: sign-in by passkey or client certificate, credentials, approvals.

`edge.py` says who asks (session, CSRF, origin); a file for each page holds its handlers. A page that is added
takes its requests through `Edge.signed_in`, so that nobody gets in without a session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console import approving, credentials, sign_in, static_files
from trustworks.app.web.console.edge import Edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.http import Route
    from trustworks.core.roles.service import Roles


def routes(roles: Roles, *, banners: Sequence[tuple[str, str]], version: str) -> list[Route]:
    """The console's routes over an open service of trusted roles."""
    edge = Edge(roles, banners=banners, version=version)
    return [
        *static_files.routes(),
        *sign_in.routes(edge),
        *credentials.routes(edge),
        *approving.routes(edge),
    ]


__all__ = ["Edge", "routes"]

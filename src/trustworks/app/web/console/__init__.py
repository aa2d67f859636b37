"""The operators' console: sign-in by passkey or client certificate, credentials, approvals, the desk.

`edge.py` says who asks (session, CSRF, origin, role); a file for each page holds its handlers. A page that is
added is a `Page`, which names the act that its asker must be allowed: nobody gets in without a session and a
role. Nothing is decided here: services decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console import approving, assurance, credentials, sign_in, static_files
from trustworks.app.web.console.ceremonies import Ceremonies
from trustworks.app.web.console.edge import Edge
from trustworks.app.web.console.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.app.web.console.desk import Desk
    from trustworks.core.http import Route
    from trustworks.core.roles.service import Roles


def routes(
    roles: Roles,
    *,
    banners: Sequence[tuple[str, str]],
    version: str,
    desk: Desk | None = None,
    uploads: Path | None = None,
) -> list[Route]:
    """The console's routes over an open service of trusted roles; `desk` where certificates are issued.

    `uploads` is where files that operators send are put aside while they arrive.
    """
    edge = Edge(roles, banners=banners, version=version, issues=desk is not None, uploads=uploads)
    found = [
        *static_files.routes(),
        *sign_in.routes(edge),
        *credentials.routes(edge),
        *approving.routes(edge),
        *edge.routes([*Keys(edge).pages(), *Ceremonies(edge).pages(), *assurance.pages(edge)]),
    ]
    if desk is not None:
        from trustworks.app.web.console import office  # noqa: PLC0415 - loads issuance, where it is configured

        found += edge.routes(office.pages(edge, desk))
    return found


__all__ = ["Edge", "routes"]

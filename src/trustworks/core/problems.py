"""Problem documents: how an interface over HTTP tells in JSON what went wrong (RFC 9457).

Which types and titles there are is the interface's own matter; the shape, the media type and the octets are
made here alone.
"""

from __future__ import annotations

import json
from typing import Any, Final

from trustworks.core.http import RawResponse

MEDIA_TYPE: Final = "application/problem+json"
_NOT_KEPT: Final = ("cache-control", "no-store")


def document(
    type_: str, *, status: int, detail: str, title: str | None = None, more: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A problem as JSON values.

    `type_` is a URI, `status` the HTTP status, `detail` the sentence for people; `more` are members of the
    interface's own, none of which stands for one of these. Source: RFC 9457, 3.1 and 3.2.
    """
    titled = {} if title is None else {"title": title}
    return {**(more or {}), "type": type_, **titled, "status": status, "detail": detail}


def response(document: dict[str, Any], *headers: tuple[str, str]) -> RawResponse:
    """The HTTP answer with a problem: its status is the document's, and nobody keeps it.

    Whatever client reads it: the octets are ASCII.
    """
    body = json.dumps(document, ensure_ascii=True).encode("ascii")
    return RawResponse(document["status"], MEDIA_TYPE, body, (_NOT_KEPT, *headers))

"""The shape of a binary protocol's edge: raw requests in, raw responses out, no framework in sight.

A service's ``http.py`` answers a list of `Route`; the HTTP application reads bodies within limits, checks the
media type, and calls the handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """One HTTP request whose body was read completely.

    `path` is decoded, `raw_path` is as it came over the wire (an OCSP request by GET is percent-encoded
    Base64). `client_certificate` is the DER of the client's certificate, given only by a proxy that the
    configuration pins.
    """

    method: str
    path: str
    raw_path: bytes
    headers: Mapping[str, str]
    body: bytes
    client_certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class RawResponse:
    """One HTTP answer: status, media type, body, and further headers."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Handler: TypeAlias = Callable[[RawRequest], Awaitable[RawResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a handler answers.

    `path` is exact, or a prefix when it ends in ``/``. `content_types` are the media types that a body may
    have; an empty tuple accepts none (no body expected). `max_body` is in bytes.
    """

    method: str
    path: str
    handler: Handler
    content_types: tuple[str, ...] = ()
    max_body: int = 0

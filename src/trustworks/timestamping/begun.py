"""A request between its steps: granted, and on its way to a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustworks.core.errors import TrustworksError
    from trustworks.core.time import TrustedTime
    from trustworks.timestamping.model import Content, Request
    from trustworks.timestamping.unit import Unit


class Begun:
    """A request that is granted so far; `signature` or `failure` comes with the signature."""

    __slots__ = (
        "attributes",
        "content",
        "failure",
        "moment",
        "now",
        "request",
        "signature",
        "tst_info",
        "unit",
    )

    def __init__(  # noqa: PLR0917 - made in one place, on the hot path
        self,
        unit: Unit,
        request: Request,
        now: TrustedTime,
        moment: int,
        content: Content,
        tst_info: bytes,
        attributes: bytes,
    ) -> None:
        self.unit = unit
        self.request = request
        self.now = now
        self.moment = moment
        self.content = content
        self.tst_info = tst_info
        self.attributes = attributes
        self.signature = b""
        self.failure: TrustworksError | None = None

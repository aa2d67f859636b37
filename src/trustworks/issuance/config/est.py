"""The table ``[issuance.est]``."""

from __future__ import annotations

from pydantic import Field

from trustworks.core.settings import Table


class EstSettings(Table):
    """[issuance.est]: enrolment over secure transport (RFC 7030), at ``/.well-known/est/``."""

    profile: str | None = Field(
        default=None,
        description="The profile whose attributes `csrattrs` tells where the path names none.",
    )
    retry_after_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        description="After how many seconds a client asks again whose request waits for an officer.",
    )

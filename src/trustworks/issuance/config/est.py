"""The table ``[issuance.est]``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trustworks.core.settings import Table


class EstSettings(Table):
    """[issuance.est]: enrolment over secure transport (RFC 7030), at ``/.well-known/est/``."""

    profile: str | None = Field(
        default=None,
        description="The profile whose attributes `csrattrs` tells where the path names none.",
    )
    serverkeygen: tuple[str, ...] = Field(
        default=(),
        description="Profiles for which the server makes keys (`serverkeygen`); none: it makes no keys.",
    )
    serverkeygen_algorithm: Literal["P-256", "P-384", "RSA-3072", "RSA-4096"] = Field(
        default="P-256", description="What keys it makes."
    )
    serverkeygen_plaintext: bool = Field(
        default=False,
        description="Whether a key may go to a client that asks for no encryption, protected by TLS alone.",
    )
    retry_after_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        description="After how many seconds a client asks again whose request waits for an officer.",
    )

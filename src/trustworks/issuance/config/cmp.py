"""The table ``[issuance.cmp]``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time

from pydantic import Field

from trustworks.core.settings import Table


class CmpSettings(Table):
    """[issuance.cmp]: the certificate management protocol (RFC 9483), at ``/cmp``."""

    key: str = Field(
        default="cmp", description="Label of the key on the token `services` that signs CMP answers."
    )
    certificate: Path | None = Field(
        default=None,
        description="Its certificate (PEM, profile cmp-server); without it only MACed requests are answered.",
    )
    time_tolerance_seconds: int = Field(
        default=300, ge=5, le=86400, description="How far a message's time may be from trusted time."
    )
    confirm_minutes: int = Field(
        default=10,
        ge=1,
        le=1440,
        description="Minutes that a client has to confirm a certificate; after them it is revoked.",
    )
    check_after_seconds: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="After how many seconds a client asks again whose request waits for an officer.",
    )
    implicit_confirm: bool = Field(
        default=True, description="Whether a client that asks for it need not confirm its certificate."
    )
    max_iterations: int = Field(
        default=100_000,
        ge=500,
        le=1_000_000,
        description="The most iterations of a password-based MAC; more would keep the processor too long.",
    )

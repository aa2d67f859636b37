"""The table ``[issuance.api]``."""

from __future__ import annotations

from pydantic import Field

from trustworks.core.settings import Table


class ApiSettings(Table):
    """[issuance.api]: the JSON API for integrators, under ``/api/v1/``."""

    session_minutes: int = Field(
        default=15, ge=1, le=480, description="Minutes that a token lasts that a client got by signing in."
    )
    most_at_once: int = Field(
        default=100, ge=1, le=1000, description="How many certificates one request may ask for."
    )

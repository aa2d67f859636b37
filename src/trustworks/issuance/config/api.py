"""The table ``[issuance.api]``."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated

from pydantic import AfterValidator, Field

from trustworks.core.settings import Table


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("write a network such as 10.1.0.0/16 or fd00:1::/64") from None
    return value


class WebhookSettings(Table):
    """[issuance.api.webhooks]: what clients of the API are told without asking, and where."""

    networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(),
        description="Networks of private addresses that webhooks may be at; public addresses always are.",
    )
    ca_file: Path | None = Field(
        default=None, description="Trust anchors (PEM) of webhooks' servers, in place of the system's."
    )
    seconds: float = Field(default=10.0, gt=0, le=60, description="Seconds to wait for an answer.")
    expiring_days: int = Field(
        default=30, ge=1, le=365, description="Days before a certificate's end that it is told of."
    )
    overlap_hours: int = Field(
        default=24, ge=0, le=168, description="Hours that the last secret signs beside a new one."
    )
    kept_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days that what was told, or given up, is kept to look at.",
    )
    most: int = Field(default=20, ge=1, le=1000, description="How many webhooks a client may have.")


class ApiSettings(Table):
    """[issuance.api]: the JSON API for integrators, under ``/api/v1/``."""

    session_minutes: int = Field(
        default=15, ge=1, le=480, description="Minutes that a token lasts that a client got by signing in."
    )
    most_at_once: int = Field(
        default=100, ge=1, le=1000, description="How many certificates one request may ask for."
    )
    lock_out_failures: int = Field(
        default=10, ge=1, le=1000, description="Failed sign-ins in a row after which no other is looked at."
    )
    lock_out_minutes: int = Field(
        default=5, ge=1, le=1440, description="For how many minutes none is looked at."
    )
    idempotency_hours: int = Field(
        default=168, ge=24, le=8784, description="Hours for which an Idempotency-Key is remembered."
    )
    webhooks: WebhookSettings = Field(
        default_factory=WebhookSettings, description="What clients are told without asking."
    )

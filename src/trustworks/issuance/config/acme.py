"""The table ``[issuance.acme]``: certificates for servers, asked for by machines (RFC 8555)."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.settings import Table

ChallengeType = Literal["http-01", "dns-01", "tls-alpn-01"]
AcmeProfile = Literal["tls-server-dv", "tls-server-dv-short"]


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https://[a-z0-9.:\[\]-]+", value):
        raise ValueError(
            "write https://, a host in small letters, perhaps a port, and nothing else, such as "
            "https://ca.example.com (RFC 8555, 6.1: ACME is spoken over HTTPS)"
        )
    return value


def _https(value: str) -> str:
    if not re.fullmatch(r"https://[!-~]+", value):
        raise ValueError("write an https URL without spaces")
    return value


def resolver_address(value: str) -> str:
    """ADDRESS:PORT of a DNS resolver. Raises `ValueError` for anything else."""
    host, _, port = value.rpartition(":")
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        good = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    except ValueError:
        good = False
    if not good:
        raise ValueError("write ADDRESS:PORT of a DNS resolver, for example 127.0.0.1:53 or [::1]:53")
    return value


class AcmeSettings(Table):
    """[issuance.acme]: the ACME server (RFC 8555); certificates are domain validated."""

    secret_source: Path | None = Field(
        default=None,
        description="A file (mode 0600) with one line of at least 32 random characters, the same for all "
        "processes: nonces and the keys of external account bindings are made from it. "
        "Not set: they come of [issuance] registration-key.",
    )
    base_urls: tuple[Annotated[str, AfterValidator(_base_url)], ...] = Field(
        default=(),
        description="The origins by which clients reach the server; a request's Host header must be one of "
        "them. Not set: [http] public-url where it is https, and [http] tls-listen.",
    )
    profiles: tuple[AcmeProfile, ...] = Field(
        default=("tls-server-dv", "tls-server-dv-short"),
        min_length=1,
        description="The certificate profiles that clients may choose; the first is the default.",
    )
    challenges: tuple[ChallengeType, ...] = Field(
        default=("http-01", "dns-01", "tls-alpn-01"),
        min_length=1,
        description="The ways by which control of a name may be shown.",
    )
    terms_of_service: Annotated[str, AfterValidator(_https)] | None = Field(
        default=None, description="https URL of the terms that a new account must agree to."
    )
    website: Annotated[str, AfterValidator(_https)] | None = Field(
        default=None, description="https URL of a page about the server."
    )
    external_account_required: bool = Field(
        default=False,
        description="A new account must be bound to a key of `trustworks acme eab create` (RFC 8555, 7.3.4).",
    )
    resolver: Annotated[str, AfterValidator(resolver_address)] | None = Field(
        default=None,
        description="ADDRESS:PORT of the DNS resolver for validation. Not set: the system's resolvers.",
    )
    allow_private_addresses: bool = Field(
        default=False,
        description="Validate hosts at loopback and private addresses too: for a laboratory or a closed "
        "network. Else nobody can make this server reach into its own network.",
    )
    http_port: int = Field(default=80, ge=1, le=65535, description="The port of http-01; 80 outside a lab.")
    tls_port: int = Field(
        default=443, ge=1, le=65535, description="The port of tls-alpn-01; 443 outside a lab."
    )
    redirects: int = Field(
        default=5, ge=0, le=10, description="How many redirections http-01 follows; each is checked anew."
    )
    validation_seconds: float = Field(
        default=10.0, gt=0, le=60, description="Seconds that one attempt of validation may take."
    )
    validation_attempts: int = Field(
        default=3, ge=1, le=10, description="Attempts until a challenge has failed for good."
    )
    order_hours: int = Field(
        default=24, ge=1, le=720, description="Hours until an order that is not finished expires."
    )
    authorization_reuse_days: int = Field(
        default=10,
        ge=0,
        le=198,
        description="Days for which a validated name needs no new validation for the same account; 0: each "
        "order is validated anew.",
    )
    new_accounts_per_hour: int = Field(
        default=500, ge=1, description="New accounts within an hour, from all clients together."
    )
    orders_per_hour: int = Field(default=300, ge=1, description="New orders of one account within an hour.")
    pending_orders: int = Field(
        default=100, ge=1, description="Orders of one account that may be unfinished at one time."
    )
    failed_validations_per_hour: int = Field(
        default=10, ge=1, description="Failed validations of one name by one account within an hour."
    )
    duplicates_per_week: int = Field(
        default=50, ge=1, description="Certificates of one account for the same names within seven days."
    )

    @model_validator(mode="after")
    def _no_repetition(self) -> AcmeSettings:
        for name in ("profiles", "challenges", "base_urls"):
            given = getattr(self, name)
            if len(set(given)) != len(given):
                raise ValueError(f"{name.replace('_', '-')} names one thing twice; name it once")
        return self

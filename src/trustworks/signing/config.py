"""[signing]: signatures are prepared and completed for clients, augmented, and sealed by the provider."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.settings import Table, WebAddress

MEBI: Final = 1024 * 1024


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", value):
        raise ValueError("write a name of small letters, digits and hyphens")
    return value


Name = Annotated[str, AfterValidator(_name)]


class SealSettings(Table):
    """[[signing.seals]]: a key of the provider that seals documents for clients."""

    name: Name = Field(description="The name by which clients ask for it.")
    key: str = Field(description="Label of the key on the token `services`.")
    certificate: Path = Field(
        description="Its certificate (PEM); those of its authorities may follow, and go in with it."
    )
    qualified: bool = Field(
        default=False,
        description="Whether the certificate must be a qualified one, whose key usage commits.",
    )
    device: bool = Field(
        default=False,
        description="Whether the certificate must state that its key is in a qualified signature or seal "
        "creation device.",
    )


class ClientSettings(Table):
    """[[signing.clients]]: who may use the service, and how much."""

    name: Name = Field(description="The name of the client; the audit log has it.")
    token_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the client's bearer token, in hexadecimal: the token itself is not kept. "
        "Make one by `openssl rand -hex 32`, and this by `printf %s TOKEN | sha256sum`.",
    )
    seals: tuple[Name, ...] = Field(
        default=(), description="The seals that the client may have documents sealed with, by their names."
    )
    per_day: int = Field(
        default=1000,
        ge=0,
        le=100_000_000,
        description="Seals that the client gets on one day (UTC), at most.",
    )
    requests_per_day: int = Field(
        default=100_000,
        ge=0,
        le=100_000_000,
        description="Requests of the client that are carried out on one day (UTC), at most: of every kind.",
    )
    time_stamps_per_day: int = Field(
        default=10_000,
        ge=0,
        le=100_000_000,
        description="Time-stamps that are used for the client on one day (UTC), at most: one for B-T, two "
        "for B-LTA, one more where the content is time-stamped.",
    )


class LimitSettings(Table):
    """[signing.limits]: what one request may cost; what needs more is refused."""

    message: int = Field(
        default=48 * MEBI,
        ge=1024,
        le=512 * MEBI,
        description="Octets of a message with its documents in base64, which is held in memory.",
    )
    memory: int = Field(
        default=1024 * MEBI,
        ge=256 * MEBI,
        le=64 * 1024 * MEBI,
        description="Octets of memory of a process that makes signatures.",
    )
    cpu_seconds: int = Field(
        default=20, ge=1, le=600, description="Seconds of processor time for one request."
    )
    seconds: float = Field(
        default=60.0, gt=0, le=600, description="Seconds for one request, with what is fetched."
    )
    at_once: int = Field(
        default=2, ge=1, le=64, description="Requests that one worker process carries out at the same time."
    )
    waiting: int = Field(
        default=16, ge=0, le=1000, description="Requests that wait in one worker before others are refused."
    )


class SigningSettings(Table):
    """[signing]: signatures are created for clients.

    Whom to trust for the status of certificates, and what is fetched, is said by [validation].
    """

    time_stamp_url: WebAddress | None = Field(
        default=None,
        description="The time-stamping authority for levels above B-B, such as the provider's own "
        "(http://127.0.0.1:8080/tsa).",
    )
    fresh: bool = Field(
        default=True,
        description="Whether revocation data for B-LT and B-LTA has to be newer than the signature; false: "
        "as fresh as the default policy of [validation] asks.",
    )
    ed25519: bool = Field(default=False, description="Whether signatures by Ed25519 are made.")
    seals: tuple[SealSettings, ...] = Field(default=(), description="The seals of the provider.")
    clients: tuple[ClientSettings, ...] = Field(default=(), description="Who may use the service.")
    limits: LimitSettings = Field(default_factory=LimitSettings, description="What one request may cost.")

    @model_validator(mode="after")
    def _names_go_together(self) -> SigningSettings:
        for what, names in (
            ("seals", [one.name for one in self.seals]),
            ("clients", [one.name for one in self.clients]),
        ):
            twice = sorted({one for one in names if names.count(one) > 1})
            if twice:
                raise ValueError(f"two of the {what} have the name {twice[0]}")
        known = {one.name for one in self.seals}
        for client in self.clients:
            unknown = sorted(set(client.seals) - known)
            if unknown:
                raise ValueError(f"the client {client.name} has the seal {unknown[0]}, which is none")
        tokens = [one.token_sha256 for one in self.clients]
        if len(set(tokens)) != len(tokens):
            raise ValueError("two clients have the same token; give each its own")
        return self

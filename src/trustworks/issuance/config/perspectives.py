"""The tables ``[[issuance.perspectives]]``: other places in the network that look at domains."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from trustworks.core.settings import Table


def _address(value: str) -> str:
    if not re.fullmatch(r"https://[a-z0-9.:\[\]-]+", value):
        raise ValueError(
            "write https://, a host in small letters, perhaps a port, and nothing else, such as "
            "https://tokyo.example.com:8444"
        )
    return value


class PerspectiveSettings(Table):
    """[[issuance.perspectives]]: one remote perspective (`trustworks perspective serve`)."""

    name: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9][a-z0-9.-]*$",
        description="How it is called in records.",
    )
    address: Annotated[str, AfterValidator(_address)] = Field(description="Its origin, https://HOST:PORT.")
    region: Literal["AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE"] = Field(
        description="The Internet registry in whose service region it stands."
    )
    certificate: Path = Field(
        description="Its certificate (PEM); no other is believed to be at that address."
    )
    client_certificate: Path = Field(description="The certificate by which it knows us (PEM).")
    client_key: Path = Field(description="Key of that certificate (PEM, mode 0600).")
    seconds: float = Field(default=15.0, gt=0, le=60, description="Seconds to wait for its answer.")

"""The table ``[statements]`` of ``trustworks.toml``: what only the provider can say of itself."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from trustworks.core.settings import Table


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}", value):
        raise ValueError("write an ISO 639-1 code of two small letters, for example en")
    return value


Language = Annotated[str, AfterValidator(_language)]


class StatementsSettings(Table):
    """[statements]: what only the provider can say in its practice and disclosure statements.

    All else in them is read off the other tables. What is not set here is listed as missing.
    """

    languages: tuple[Language, ...] = Field(
        default=("en",),
        min_length=1,
        description="ISO 639-1 codes of the languages; for others than en the provider's own templates lie "
        "in `paragraphs`.",
    )
    paragraphs: Path | None = Field(
        default=None,
        description="A folder with the provider's own paragraphs and templates; see docs/statements.md.",
    )
    address: str | None = Field(default=None, description="The provider's postal address.")
    email: str | None = Field(default=None, description="Its address for electronic mail.")
    telephone: str | None = Field(default=None, description="Its telephone number.")
    web_site: str | None = Field(default=None, description="The URL of its web site.")
    revocation_contact: str | None = Field(
        default=None, description="How revocation is asked for at any hour: telephone, form, address."
    )
    law: str | None = Field(default=None, description="The law that governs the contracts.")
    complaints: str | None = Field(
        default=None, description="Where complaints go, and how disputes are settled."
    )
    liability: str | None = Field(
        default=None, description="What the provider is liable for, and up to what."
    )
    insurance: str | None = Field(
        default=None, description="The insurance or the means by which liability is covered."
    )
    fees: str | None = Field(default=None, description="What the services cost.")
    refunds: str | None = Field(default=None, description="When fees are given back.")
    supervision: str | None = Field(
        default=None, description="The supervisory body, and where its trusted list is."
    )
    audits: str | None = Field(
        default=None, description="The conformity assessment body, its scheme and the last report."
    )
    max_outage_hours: float | None = Field(
        default=None,
        gt=0,
        le=168,
        description="Hours for which repository and status may be out of service at most (EN 319 411-1, "
        "DIS-6.1-07A).",
    )

    @field_validator("languages")
    @classmethod
    def _english_is_among(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "en" not in value:
            raise ValueError("en must be among them: a PKI disclosure statement in English is needed")
        if len(set(value)) != len(value):
            raise ValueError("a language stands twice; name it once")
        return value

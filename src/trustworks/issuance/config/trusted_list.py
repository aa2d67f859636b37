"""The table ``[issuance.trusted-list]``: our own trusted list and list of lists, for laboratories."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.settings import Table


def _address(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}", value):
        raise ValueError("write an address alone, for example lists@tsp.example")
    return value


class TrustedListSettings(Table):
    """[issuance.trusted-list]: a trusted list of what runs here, and a list of lists that points to it."""

    key: str = Field(
        default="list-signer", description="Label of the key on the token `services` that signs the lists."
    )
    certificate: Path = Field(description="Its certificate (PEM, profile list-signer).")
    name: str = Field(
        default="Trustworks TEST trusted list",
        min_length=4,
        max_length=200,
        description="The name of the scheme, in English; the lists put the country before it.",
    )
    lists_name: str = Field(
        default="Trustworks TEST list of trusted lists",
        min_length=4,
        max_length=200,
        description="The same of the list of lists.",
    )
    days: int = Field(default=30, ge=1, le=180, description="Days from a list to its next update, at most.")
    renew_before_days: float = Field(
        default=7,
        gt=0,
        le=170,
        description="Days before the next update is due at which the jobs process makes it.",
    )
    qualified_time_stamps: bool = Field(
        default=True,
        description="List every time-stamping unit as a qualified one (TSA/QTST); false: those alone whose "
        "tokens say so, and the others as TSA.",
    )
    street: str = Field(
        default="1 TEST Street", min_length=1, max_length=200, description="The postal address: street."
    )
    locality: str = Field(
        default="TEST Town", min_length=1, max_length=100, description="The postal address: town."
    )
    postal_code: str = Field(default="", max_length=20, description="The postal address: code, if any.")
    email: Annotated[str, AfterValidator(_address)] = Field(
        default="lists@tsp.example.com", description="The address at which questions are answered."
    )

    @model_validator(mode="after")
    def _renewed_in_time(self) -> TrustedListSettings:
        if self.renew_before_days >= self.days:
            raise ValueError("renew-before-days must be less than days, or every look would make a new list")
        return self

"""The table ``[issuance.registration]``."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - Pydantic reads it at run time
from typing import Literal

from pydantic import Field

from trustworks.core.settings import Table
from trustworks.issuance.config.mail import MailSettings  # noqa: TC001 - Pydantic reads it at run time

Whom = Literal["subject", "organization", "representative", "association", "subscriber"]


class MethodSettings(Table):
    """[[issuance.registration.methods]]: a way to identify somebody, and under which terms it counts."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,39}$", description="The method's name, as evidence names it."
    )
    about: tuple[Whom, ...] = Field(min_length=1, description="Whom it may identify.")
    qualified: bool = Field(
        default=False, description="Whether it counts for qualified certificates (Article 24(1a) and (1b))."
    )
    max_age_days: int = Field(
        default=397, ge=1, le=3650, description="Days that an identification counts after it was made."
    )
    uses: int = Field(
        default=1, ge=1, le=100, description="How many certificates one identification may serve."
    )
    until: date | None = Field(default=None, description="The last day on which it counts.")
    stated_as: Literal["eIDAS1-ab", "eIDAS1-cd", "eIDAS2-acd", "eIDAS2-b"] | None = Field(
        default=None,
        description="How a qualified certificate states that its subject was identified so (EN 319 412-5, "
        "4.3.5); without it nothing is stated.",
    )


def _method(
    name: str, *about: Whom, qualified: bool = True, days: int = 90, stated_as: str | None = None
) -> MethodSettings:
    given = {"name": name, "about": about, "qualified": qualified, "max-age-days": days}
    return MethodSettings.model_validate({**given, "stated-as": stated_as})


def _usual() -> tuple[MethodSettings, ...]:
    person: tuple[Whom, ...] = ("subject", "representative", "subscriber")
    return (
        _method("eudi-wallet", *person, stated_as="eIDAS2-acd"),
        _method("notified-eid-high", *person, stated_as="eIDAS2-acd"),
        _method("qualified-certificate", *person, stated_as="eIDAS2-b"),
        _method("certified-method", *person, stated_as="eIDAS2-acd"),
        _method("physical-presence", *person, days=397, stated_as="eIDAS2-acd"),
        _method("official-register", "organization"),
        _method("authentic-source", "organization", "association", days=397),
        _method("representative-statement", "association", "subscriber", days=397),
        _method("document-copy", "subject", "organization", "subscriber", qualified=False, days=397),
    )


class RegistrationSettings(Table):
    """[issuance.registration]: how subjects are identified, and how long what is known of them is kept."""

    terms: str = Field(
        default="1",
        min_length=1,
        max_length=64,
        description="The version of the terms and conditions in force.",
    )
    retention_years: int = Field(
        default=7,
        ge=1,
        le=50,
        description="Years that registration records are kept after the certificate ended.",
    )
    unfinished_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days after which an application without a decision is withdrawn.",
    )
    dual_control: bool = Field(
        default=True,
        description="Whether an operator who recorded evidence leaves the approval to another one.",
    )
    assigned: tuple[str, ...] = Field(
        default=("serialNumber",),
        description="Attributes of a subject that the provider assigns, so that no evidence shows them.",
    )
    methods: tuple[MethodSettings, ...] = Field(
        default_factory=_usual, description="The methods of identification that count."
    )
    mail: MailSettings | None = Field(
        default=None, description="How holders of mailboxes are written to, for S/MIME; absent: they are not."
    )

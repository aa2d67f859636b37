"""The table ``[issuance.registration]``."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - Pydantic reads it at run time
from pathlib import Path  # noqa: TC003 - as above
from typing import Literal

from pydantic import Field, model_validator

from trustworks.core.settings import Table
from trustworks.issuance.config.mail import MailSettings  # noqa: TC001 - Pydantic reads it at run time

Whom = Literal["subject", "organization", "representative", "association", "subscriber"]

DeviceMark = Literal["fips", "cspn"]
FormFactor = Literal[
    "usb-a-keychain",
    "usb-a-nano",
    "usb-c-keychain",
    "usb-c-nano",
    "usb-c-lightning",
    "usb-a-bio",
    "usb-c-bio",
]


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


class DeviceSettings(Table):
    """[[issuance.registration.devices]]: a product whose devices may hold subjects' keys."""

    product: str = Field(
        min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="The product's name."
    )
    kind: Literal["qscd", "secure-device"] = Field(
        description="What it is certified as: a qualified signature or seal creation device (qscd), or a "
        "secure device (secure-device), which counts for NCP+ alone."
    )
    certified_until: date = Field(description="The last day of its certification.")
    reference: str = Field(
        min_length=3,
        max_length=200,
        description="The certificate of its conformity, and where it is listed (Article 31).",
    )
    shown_by: tuple[Literal["attestation", "personalised", "own-module"], ...] = Field(
        min_length=1,
        description="How it may be shown that a key is in it: attestation by its maker's certificates, "
        "personalised and handed over by the provider, or in the provider's own-module.",
    )
    attestation_roots: Path | None = Field(
        default=None,
        description="With attestation: the maker's root certificates (PEM), for YubiKeys' PIV attestation.",
    )
    firmware: tuple[str, ...] = Field(
        default=(),
        description="With attestation, where it must be given: the versions that are certified, for example "
        "5.7.4.",
    )
    marked: DeviceMark | None = Field(
        default=None,
        description="With attestation: the certified edition that its maker must mark the device as, in the "
        "certificate of its slot f9. Without it devices of other editions with the same firmware count too.",
    )
    form_factors: tuple[FormFactor, ...] = Field(
        default=(), description="With attestation: the form factors that are certified; empty: any."
    )
    tokens: tuple[str, ...] = Field(
        default=(),
        description="With own-module: the labels of the tokens that are of this product.",
    )

    @model_validator(mode="after")
    def _whole(self) -> DeviceSettings:
        if ("attestation" in self.shown_by) != (self.attestation_roots is not None):
            raise ValueError("attestation and attestation-roots go together: name both, or neither")
        if ("attestation" in self.shown_by) != bool(self.firmware):
            raise ValueError("attestation and firmware go together: name the certified versions, or neither")
        if "attestation" not in self.shown_by and (self.marked is not None or self.form_factors):
            raise ValueError("marked and form-factors are of attestation: add it, or leave them out")
        if ("own-module" in self.shown_by) != bool(self.tokens):
            raise ValueError("own-module and tokens go together: name the tokens, or neither")
        return self


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
    publish: bool = Field(
        default=False,
        description="Whether anybody may fetch a certificate by its authority and number "
        "(/repository/AUTHORITY/SERIAL.cer), if its subject consented.",
    )
    devices: tuple[DeviceSettings, ...] = Field(
        default=(),
        description="The products whose devices may hold the keys of certificates that promise one.",
    )

    @model_validator(mode="after")
    def _told_apart(self) -> RegistrationSettings:
        names = [one.product for one in self.devices]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ValueError(f"the product {', '.join(twice)} is there twice; give each once")
        return self

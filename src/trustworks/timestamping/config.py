"""[timestamping]: policies, accuracy, and the time-stamping units."""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003 - Pydantic reads it at run time
from pathlib import Path  # noqa: TC003 - as above
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from trustworks.core.der.algorithms import HASHES, SIGNATURES
from trustworks.core.settings import Oid, Table


def _unit_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", value):
        raise ValueError("write at most 32 lower-case letters, digits and hyphens, for example tsu-1")
    return value


def _imprint(value: str) -> str:
    if value not in HASHES:
        raise ValueError(f"allowed are {', '.join(HASHES)}")
    return value


def _signature(value: str) -> str:
    if value not in SIGNATURES:
        raise ValueError(f"allowed are {', '.join(sorted(SIGNATURES))}")
    return value


Imprint = Annotated[str, AfterValidator(_imprint)]
Signature = Annotated[str, AfterValidator(_signature)]

# The policy of tokens whose clock nobody checked, below the enterprise number that IANA keeps for examples
# (RFC 5612).
LAB_POLICY = "1.3.6.1.4.1.32473.3161.1"
# NCP+ of EN 319 411-1, 5.3.
NCP_PLUS = "0.4.0.2042.1.2"


class UnitSettings(Table):
    """[[timestamping.units]]: one time-stamping unit: one key, one certificate."""

    name: Annotated[str, AfterValidator(_unit_name)] = Field(
        description="The unit's name: lower-case letters, digits, hyphens. It answers at /tsa/NAME.",
    )
    key: str | None = Field(
        default=None, description="Label of its key on the `tsu` token. Default: the unit's name."
    )
    certificate: Path = Field(description="The unit's certificate (PEM).")
    chain: Path | None = Field(
        default=None,
        description="CA certificates (PEM) that are sent beside the unit's own when a client asks for it, "
        "unless its file has some behind it.",
    )
    policies: tuple[Oid, ...] = Field(
        default=(), description="Policies of this unit, the first is its default. Default: all of the TSA's."
    )
    qualified: bool = Field(
        default=False,
        description="Every token of this unit says that it is a qualified electronic time stamp.",
    )
    signature: Signature | None = Field(
        default=None, description="The signature scheme. Default: the one that fits the key."
    )
    key_expires: datetime | None = Field(
        default=None,
        description="End of the private key's use, where the certificate names none or to end it earlier.",
    )

    @field_validator("key_expires")
    @classmethod
    def _has_zone(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("write the time with its zone, for example 2027-01-31T00:00:00Z")
        return value

    @property
    def key_label(self) -> str:
        """The label of the unit's key."""
        return self.key or self.name


class TimestampingSettings(Table):
    """[timestamping]: the time-stamping authority."""

    policies: tuple[Oid, ...] = Field(
        default=(),
        description="Policies that clients may ask for; the first is taken when they ask for none.",
    )
    lab_policy: Oid = Field(
        default=LAB_POLICY, description='The only policy while [time] mode is "lab"; never used otherwise.'
    )
    accuracy_us: int = Field(
        default=1_000_000, ge=1, le=1_000_000, description="The declared accuracy in microseconds."
    )
    gen_time_digits: Literal[0, 3, 6] = Field(
        default=3,
        description="Digits of the second's fraction in genTime; 0 only where nobody checks the clock.",
    )
    imprints: tuple[Imprint, ...] = Field(
        default=tuple(HASHES), min_length=1, description="Hash functions that clients may have used."
    )
    signing_limit_ms: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="A token whose signature took longer than this many milliseconds is thrown away. "
        "Default: 500, or the accuracy where that is less.",
    )
    inline_below_us: int = Field(
        default=500,
        ge=0,
        description="A key that signs and verifies within these microseconds needs no threads.",
    )
    threads: int = Field(
        default=8,
        ge=1,
        le=256,
        description="Signatures at the same time, for keys that are slower than that.",
    )
    ncp_plus_policies: tuple[Oid, ...] = Field(
        default=(NCP_PLUS,),
        min_length=1,
        description="Policies that meet NCP+; a qualified unit's certificate must have one of them.",
    )
    units: tuple[UnitSettings, ...] = Field(min_length=1, description="The time-stamping units.")

    @model_validator(mode="after")
    def _units_differ(self) -> TimestampingSettings:
        for what, values in (
            ("name", [unit.name for unit in self.units]),
            ("key", [unit.key_label for unit in self.units]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"two units have the same {what}; every unit has its own")
        return self

    @property
    def signing_limit_us(self) -> int:
        """So many microseconds may a signature take."""
        if self.signing_limit_ms is None:
            return min(500_000, self.accuracy_us)
        return self.signing_limit_ms * 1000

    @property
    def patience_ns(self) -> int:
        """So many nanoseconds after its beginning a batch begins no other signature: a tenth of the limit."""
        return self.signing_limit_us * 100

    @property
    def resolution_us(self) -> int:
        """The step of genTime in microseconds."""
        return {0: 1_000_000, 3: 1_000, 6: 1}[self.gen_time_digits]

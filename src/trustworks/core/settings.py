"""The base of every table of ``trustworks.toml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


def _hyphens(name: str) -> str:
    return name.replace("_", "-")


class Table(BaseModel):
    """A table of the configuration: unknown keys are errors, values are fixed, keys have hyphens."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=_hyphens, validate_by_alias=True, validate_by_name=False
    )

"""The table ``[integrity]`` of ``trustworks.toml``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time

from pydantic import Field, model_validator

from trustworks.core.settings import Table


class IntegritySettings(Table):
    """[integrity]: the signed manifest that this installation is compared with."""

    manifest: Path | None = Field(
        default=None,
        description="The manifest that `trustworks integrity make` wrote. Demanded outside of laboratories "
        "where there are keys: services that differ from it do not start.",
    )
    key: Path | None = Field(
        default=None,
        description="The public key, or a certificate of it (PEM), that the manifest is verified with. Keep "
        "it where who changes programs cannot.",
    )
    look_every: float = Field(
        default=3600.0,
        ge=1,
        le=86400,
        description="Seconds between two looks at all files while the services run.",
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> IntegritySettings:
        if (self.manifest is None) != (self.key is None):
            raise ValueError("manifest and key go together; set both, or none of them")
        return self

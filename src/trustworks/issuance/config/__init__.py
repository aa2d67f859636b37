"""The tables ``[issuance]`` and ``[issuance.*]`` of ``trustworks.toml``."""

from __future__ import annotations

from trustworks.issuance.config.settings import (
    AuthoritySettings,
    IssuanceSettings,
    IssuingSettings,
    OcspSettings,
    PdsSettings,
    RootSettings,
)

__all__ = [
    "AuthoritySettings",
    "IssuanceSettings",
    "IssuingSettings",
    "OcspSettings",
    "PdsSettings",
    "RootSettings",
]

"""The tables ``[issuance]`` and ``[issuance.*]`` of ``trustworks.toml``."""

from __future__ import annotations

from trustworks.issuance.config.settings import (
    AuthoritySettings,
    CaaSettings,
    IssuanceSettings,
    IssuingSettings,
    OcspSettings,
    PdsSettings,
    RootSettings,
)

__all__ = [
    "AuthoritySettings",
    "CaaSettings",
    "IssuanceSettings",
    "IssuingSettings",
    "OcspSettings",
    "PdsSettings",
    "RootSettings",
]

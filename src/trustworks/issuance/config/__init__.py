"""The tables ``[issuance]`` and ``[issuance.*]`` of ``trustworks.toml``."""

from __future__ import annotations

from trustworks.issuance.config.acme import AcmeSettings
from trustworks.issuance.config.cmp import CmpSettings
from trustworks.issuance.config.est import EstSettings
from trustworks.issuance.config.perspectives import PerspectiveSettings
from trustworks.issuance.config.settings import (
    AuthoritySettings,
    CaaSettings,
    CtSettings,
    IssuanceSettings,
    IssuingSettings,
    OcspSettings,
    PdsSettings,
    RootSettings,
)
from trustworks.issuance.config.trusted_list import TrustedListSettings

__all__ = [
    "AcmeSettings",
    "AuthoritySettings",
    "CaaSettings",
    "CmpSettings",
    "CtSettings",
    "EstSettings",
    "IssuanceSettings",
    "IssuingSettings",
    "OcspSettings",
    "PdsSettings",
    "PerspectiveSettings",
    "RootSettings",
    "TrustedListSettings",
]

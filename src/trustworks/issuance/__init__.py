"""Issuance: the provider's certification authorities (EN 319 411-1 and -2, EN 319 412, RFC 5280)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import Issued, NameAttribute, RevocationReason
    from trustworks.issuance.model.requests import Request
    from trustworks.issuance.reconcile import CertificateRecords
    from trustworks.issuance.service import Issuance

__all__ = [
    "CertificateRecords",
    "Issuance",
    "IssuanceSettings",
    "Issued",
    "NameAttribute",
    "Request",
    "RevocationReason",
]

_HOMES = {
    "CertificateRecords": "reconcile",
    "Issuance": "service",
    "IssuanceSettings": "config",
    "Issued": "model",
    "NameAttribute": "model",
    "Request": "model",
    "RevocationReason": "model",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the command line reads the settings without loading the service."""
    if name not in _HOMES:
        raise AttributeError(name)
    import importlib  # noqa: PLC0415

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

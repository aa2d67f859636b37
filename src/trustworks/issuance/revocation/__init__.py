"""Changes of status: who asked, what was decided, the change itself, and what the subject is told."""

from __future__ import annotations

from trustworks.issuance.revocation.change import StatusChange
from trustworks.issuance.revocation.requests import Reception, RevocationRequests

__all__ = ["Reception", "RevocationRequests", "StatusChange"]

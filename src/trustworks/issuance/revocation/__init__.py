"""Changes of status: who asked, what was decided, the change itself, and what the subject is told."""

from __future__ import annotations

from trustworks.issuance.revocation.change import StatusChange
from trustworks.issuance.revocation.keys import Blocked, LostKeys
from trustworks.issuance.revocation.reports import ProblemReports
from trustworks.issuance.revocation.requests import Reception, RevocationRequests

__all__ = ["Blocked", "LostKeys", "ProblemReports", "Reception", "RevocationRequests", "StatusChange"]

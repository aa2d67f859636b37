"""`trustworks certificate`, `trustworks crl` and `trustworks profile`."""

from __future__ import annotations

from trustworks.issuance.cli.certificate import app
from trustworks.issuance.cli.crl import crl
from trustworks.issuance.cli.profile import profile

__all__ = ["app", "crl", "profile"]

"""`trustworks certificate`, `trustworks crl`, `trustworks profile` and `trustworks registration`."""

from __future__ import annotations

from trustworks.issuance.cli.certificate import app
from trustworks.issuance.cli.crl import crl
from trustworks.issuance.cli.profile import profile
from trustworks.issuance.cli.registration import registration

__all__ = ["app", "crl", "profile", "registration"]

"""`trustworks certificate`, `crl`, `profile`, `registration` and `acme`."""

from __future__ import annotations

from trustworks.issuance.cli.acme import acme
from trustworks.issuance.cli.api import api
from trustworks.issuance.cli.certificate import app
from trustworks.issuance.cli.crl import crl
from trustworks.issuance.cli.profile import profile
from trustworks.issuance.cli.registration import registration

__all__ = ["acme", "api", "app", "crl", "profile", "registration"]

"""`trustworks certificate`, `crl`, `profile`, `registration`, `revocation` and `acme`."""

from __future__ import annotations

from trustworks.issuance.cli.acme import acme
from trustworks.issuance.cli.api import api
from trustworks.issuance.cli.blocked import blocked
from trustworks.issuance.cli.certificate import app
from trustworks.issuance.cli.crl import crl
from trustworks.issuance.cli.profile import profile
from trustworks.issuance.cli.registration import registration
from trustworks.issuance.cli.revocation import revocation

app.add_typer(blocked, name="blocked")

__all__ = ["acme", "api", "app", "crl", "profile", "registration", "revocation"]

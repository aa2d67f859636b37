"""`trustworks certificate`, `crl`, `profile`, `registration`, `revocation` and `acme`."""

from __future__ import annotations

from trustworks.issuance.cli.acme import acme
from trustworks.issuance.cli.api import api
from trustworks.issuance.cli.blocked import blocked
from trustworks.issuance.cli.certificate import app, list_certificates, settle, show
from trustworks.issuance.cli.crl import crl
from trustworks.issuance.cli.issue import issue
from trustworks.issuance.cli.profile import profile
from trustworks.issuance.cli.registration import registration
from trustworks.issuance.cli.revocation import revocation
from trustworks.issuance.cli.revoke import release, revoke

for command in (issue, revoke, release, show):
    app.command()(command)
app.command("list")(list_certificates)
app.command()(settle)
app.add_typer(blocked, name="blocked")

__all__ = ["acme", "api", "app", "crl", "profile", "registration", "revocation"]

"""Whether a laboratory lacks anything; found out without opening a token, so that a second start is quick."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from trustworks.app.certificates import read
from trustworks.issuance import records

if TYPE_CHECKING:
    from trustworks.app.lab.layout import Layout
    from trustworks.app.wiring import Wiring
    from trustworks.core.store import Database

RENEW_BEFORE = timedelta(days=7)  # a certificate that ends so soon is replaced at the next start
SERVICES = ("tsu-1", "ocsp", "audit", "tls")


def needs_certificate(layout: Layout, name: str) -> bool:
    """Whether a service's certificate is missing, or ends soon."""
    file = layout.certificate(name)
    return not file.is_file() or read(file).not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE


def is_complete(layout: Layout, wiring: Wiring, database: Database) -> bool:
    """Whether nothing is missing, and nothing ends soon."""
    files = (
        *(layout.trust / name for name in ("root.pem", "issuing.pem", "chain.pem")),
        layout.complete,
        layout.certificate("issuing"),
        layout.tls_key,
    )
    if not all(file.is_file() for file in files):
        return False
    if any(needs_certificate(layout, name) for name in SERVICES):
        return False
    # The issuing authority's list is published by the jobs process, the root's by nobody else.
    with database.read() as connection:
        heads = records.crl_heads(connection, "root")
    every = timedelta(hours=wiring.issuance_settings.root.crl_every_hours)
    return bool(heads) and datetime.now(UTC) - heads[0].this_update < every

"""An index by which the newest certificates are found: the first page of a search, among millions."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("certificates_requested", "certificates", ["requested_at", "serial"])

"""Changes of status are counted, and a revocation list says up to which one it goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, keep_no_more
from trustworks.core.store.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the counters, and let an authority's count on by one."""
    kept = [one["name"] for one in sa.inspect(op.get_bind()).get_columns("authorities")]
    op.add_column("authorities", sa.Column("changes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("authorities", sa.Column("pending_since", UtcDateTime(), nullable=True))
    # A list from before goes up to no change that is counted, so that a new one is due once.
    op.add_column("crls", sa.Column("changes", sa.BigInteger, nullable=False, server_default="-1"))
    keep_no_more("authorities", name="update")
    keep("authorities", kept)
    # Whatever else was put there, such as the greatest number, would refuse the next change of status.
    keep("authorities", ("changes",), when="NEW.changes <> OLD.changes + 1", name="miscount")
    keep("authorities", ("pending_since",), when="NEW.changes = OLD.changes", name="moment")

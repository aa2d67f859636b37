"""A revocation may become one for a lost key, once, and keeps its date."""

from __future__ import annotations

from trustworks.core.store.migrations.append_only import keep, keep_no_more

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the trigger that keeps revocations."""
    # A revocation is for good, unless it is a hold (6 in RFC 5280, 5.3.1). That the key is lost (1, 2) can
    # become its reason, once, and its date stays then. A NULL is no such reason.
    found_lost = (
        "COALESCE(NEW.revocation_reason, 0) IN (1, 2) AND OLD.revocation_reason NOT IN (1, 2) "
        "AND COALESCE(NEW.revoked_at = OLD.revoked_at, FALSE)"
    )
    keep_no_more("certificates", name="reinstatement")
    keep(
        "certificates",
        ("revoked_at", "revocation_reason", "invalidity_date", "revoked_recorded_at"),
        when=f"OLD.revoked_at IS NOT NULL AND OLD.revocation_reason <> 6 AND NOT ({found_lost})",
        name="reinstatement",
    )

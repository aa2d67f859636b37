"""What objects to the loss of a key's last copy, as the register of keys in `core` knows of no services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.keys.model import nothing_against

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from trustworks.app.configuration.config import Config
    from trustworks.core.keys.model import LossCheck


def loss_check(config: Config) -> LossCheck:
    """What is asked before a copy of a key goes: where there are authorities, whether one needs it."""
    return nothing_against if config.issuance is None else _of_issuance


def _of_issuance(
    connection: Connection, spki_sha256: str, *, token: str | None = None, backup: str | None = None
) -> None:
    from trustworks.issuance.termination import check_destruction  # noqa: PLC0415 - few commands destroy

    check_destruction(connection, spki_sha256, token=token, backup=backup)

"""The secret of the page on which people sign: one for all processes, readable by nobody else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.wiring.creating import Creating
from trustworks.core.errors import Refused, Unavailable
from trustworks.formats.data import Octets
from trustworks.signing.config import SigningSettings

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from trustworks.signing.agreeing import Agreements

CLIENT = {"name": "shop", "token-sha256": "0" * 64}


def opened(folder: Path) -> AbstractContextManager[Agreements]:
    """As one process opens it."""
    wiring: Any = SimpleNamespace(state_dir=folder)
    desk: Any = SimpleNamespace(
        settings=SigningSettings.model_validate({"clients": [CLIENT]}), count=lambda _client: None
    )
    clock: Any = SimpleNamespace(now=lambda: SimpleNamespace(utc=datetime.now(UTC)))
    recorder: Any = None
    return Creating.open_agreements(wiring, desk, recorder=recorder, clock=clock)


def test_what_one_process_showed_another_one_signs(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    with opened(one) as first, opened(one) as second, opened(other) as stranger:
        (client,) = first.desk.settings.clients
        ticket = asyncio.run(first.look(client, [Octets(b"text\n", "a.txt")])).ticket
        assert second.holder(ticket)[1].name == "shop"
        with pytest.raises(Refused, match="shown again"):
            stranger.holder(ticket)
    secret = one / "signing.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o644)
    with opened(one) as loose, pytest.raises(Unavailable, match="can be read by others"):
        loose.holder(ticket)

"""A token by its URI alone: what it refused is remembered in the account's own folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from trustworks.app.commands.module import app
from trustworks.core.module.pkcs11 import Cryptoki

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-ONCE")
def test_a_refused_pin_is_tried_once_whichever_command_is_next(
    softhsm: Path,
    make_token: Callable[..., Pkcs11Uri],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = make_token()
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text("not-the-8th-Pin", encoding="ascii")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    tries: list[int] = []
    genuine = Cryptoki.login

    def login(self: Cryptoki, session: int, *more: Any) -> None:
        tries.append(session)
        genuine(self, session, *more)

    monkeypatch.setattr(Cryptoki, "login", login)
    uri = f"pkcs11:token={token.token}?pin-source=file:{pin}"
    for command in ("keys", "info", "keys"):
        done = CliRunner().invoke(app, [command, "--uri", uri, "--library", str(softhsm)])
        assert done.exit_code == 1
        assert getattr(done.exception, "code", "module.pin-wrong") == "module.pin-wrong"
    assert len(tries) == 1
    (kept,) = (tmp_path / "state" / "trustworks").iterdir()
    assert kept.name.startswith("pin-refused-")
    assert kept.stat().st_mode & 0o777 == 0o600

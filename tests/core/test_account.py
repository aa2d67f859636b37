"""Where an account keeps what must outlive a command without a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustworks.core.account import account_state


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("/var/lib/state", "/var/lib/state/trustworks"),
        ("relative", "/home/one/.local/state/trustworks"),
        ("", "/home/one/.local/state/trustworks"),
    ],
)
def test_the_folder_follows_the_account(monkeypatch: pytest.MonkeyPatch, named: str, expected: str) -> None:
    monkeypatch.setenv("HOME", "/home/one")
    monkeypatch.setenv("XDG_STATE_HOME", named)
    assert account_state() == Path(expected)
    monkeypatch.delenv("XDG_STATE_HOME")
    assert account_state() == Path("/home/one/.local/state/trustworks")

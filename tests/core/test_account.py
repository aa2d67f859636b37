"""Where an account keeps what must outlive a command without a configuration."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from trustworks.core.account import account, account_state


@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_the_environment_does_not_say_who_acts(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "somebody-else")
    assert account() == pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("/var/lib/state", "/var/lib/state/trustworks"),
        ("relative", "/srv/one/.local/state/trustworks"),
        ("", "/srv/one/.local/state/trustworks"),
    ],
)
def test_the_folder_follows_the_account(monkeypatch: pytest.MonkeyPatch, named: str, expected: str) -> None:
    monkeypatch.setenv("HOME", "/srv/one")
    monkeypatch.setenv("XDG_STATE_HOME", named)
    assert account_state() == Path(expected)
    monkeypatch.delenv("XDG_STATE_HOME")
    assert account_state() == Path("/srv/one/.local/state/trustworks")

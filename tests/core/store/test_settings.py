"""The table [store]."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trustworks.core.store import StoreSettings


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/db", "sqlite:///FILE or postgresql://"),
        ("sqlite://", "sqlite:///FILE"),
        ("sqlite:///", "sqlite:///FILE"),
        ("sqlite:///:memory:", "keeps no records"),
        ("sqlite:///state/db?mode=memory", "without parameters"),
        ("postgresql://user:secret@host/db", "password-source"),
        ("postgresql://user@host", "postgresql://USER@HOST:PORT/DATABASE"),
        ("state/db.sqlite", "sqlite:///FILE"),
    ],
)
def test_urls_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        StoreSettings.model_validate({"url": url})


def test_urls_that_are_taken() -> None:
    assert StoreSettings().sqlite_file is not None
    taken = StoreSettings.model_validate({"url": "postgresql://trustworks@db.example:5432/trustworks"})
    assert taken.sqlite_file is None


def test_unknown_keys_are_errors() -> None:
    with pytest.raises(ValidationError, match="extra"):
        StoreSettings.model_validate({"path": "x"})

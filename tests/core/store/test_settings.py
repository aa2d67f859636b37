"""The table [store]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from trustworks.app.configuration.config import load
from trustworks.core.errors import Malformed
from trustworks.core.store import Database, StoreSettings

if TYPE_CHECKING:
    from pathlib import Path


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
        ("postgresql://user@host:port/db", "the port"),
        ("postgresql://user@host:/db", "the port"),
        ("postgresql://user@host:0/db", "the port"),
        ("postgresql://user@host:65536/db", "the port"),
        ("postgresql://user@host:5_432/db", "the port"),
        ("postgresql://user@[::1/db", "postgresql://USER@HOST:PORT/DATABASE"),
        ("state/db.sqlite", "sqlite:///FILE"),
    ],
)
def test_urls_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        StoreSettings.model_validate({"url": url})


@pytest.mark.req("TRUSTWORKS:STORE-05")
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:5ecret@host/db",
        "postgresql://user:@host/db",
        "postgresql://user:5ec/ret@host/db",
        "postgresql://user:5ec?ret@host/db",
        "postgresql://user:5ec#ret@host/db",
        "postgresql://user:5ec@ret@host/db",
        "postgresql+psycopg://user:5ecret@host/db",
        "postgresql://host/db?user=u&password=5ecret",
        "postgresql://u@host/db?pass%77ord=5ecret",
        "postgresql://u@host/db?sslmode=verify-full&sslpassword=5ecret",
        "postgresql://u@host/db?PASSWORD=5ecret",
        "postgresql://u@host/db?oauth_client_secret=5ecret",
        "postgresql://u@host/db?scram_client_key=5ecret",
    ],
)
def test_a_secret_in_the_url_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    file = tmp_path / "trustworks.toml"
    file.write_text(f'[provider]\nname = "P TEST"\n[store]\nurl = "{url}"\n', encoding="utf-8")
    with pytest.raises(Malformed, match="password-source") as caught:
        load(file)
    assert "5ec" not in str(caught.value)


@pytest.mark.req("TRUSTWORKS:STORE-05")
def test_messages_show_neither_account_nor_parameters() -> None:
    url = "postgresql://account@db.example:5433/records?sslmode=verify-full&sslrootcert=/etc/ca.pem"
    with Database.open(StoreSettings.model_validate({"url": url})) as database:
        assert database.where == "the database postgresql://db.example:5433/records"


def test_urls_that_are_taken() -> None:
    assert StoreSettings().sqlite_file is not None
    taken = StoreSettings.model_validate({"url": "postgresql://trustworks@db.example:5432/trustworks"})
    assert taken.sqlite_file is None


def test_unknown_keys_are_errors() -> None:
    with pytest.raises(ValidationError, match="extra"):
        StoreSettings.model_validate({"path": "x"})

from __future__ import annotations

import hashlib
import tomllib
from typing import TYPE_CHECKING

import pytest

from trustworks.app.configuration import config
from trustworks.app.configuration.settings import url
from trustworks.app.lab import configuration
from trustworks.app.lab import layout as places
from trustworks.app.lab.layout import Layout
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def test_pins_are_drawn_once_and_are_all_different(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    places.make_folders(layout)
    places.make_pins(layout)
    first = {file.name: file.read_text(encoding="ascii") for file in layout.secrets.iterdir()}
    places.make_pins(layout)
    assert {file.name: file.read_text(encoding="ascii") for file in layout.secrets.iterdir()} == first
    assert len(first) == len(set(first.values())) == 10


def test_no_pin_is_drawn_for_a_token_that_is_there(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    places.make_folders(layout)
    places.make_pins(layout, {"tsu"})
    assert not layout.pin("tsu").exists()
    assert not layout.so_pin("tsu").exists()
    assert len(list(layout.secrets.iterdir())) == 8


@pytest.mark.parametrize(
    ("listen", "secure", "public"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8443", "http://127.0.0.1:8080"),
        ("[::1]:80", "[::1]:443", "http://[::1]:80"),
        ("0.0.0.0:65400", "0.0.0.0:65037", "http://127.0.0.1:65400"),
        ("[::]:8080", "[::]:8443", "http://[::1]:8080"),
        ("tsp.test:8080", "tsp.test:8443", "http://tsp.test:8080"),
    ],
)
def test_addresses(listen: str, secure: str, public: str) -> None:
    assert configuration.tls_beside(listen) == secure
    assert url("http", listen) == public


@pytest.mark.parametrize("clock", ["lab", "enforce"])
def test_the_configuration_of_a_laboratory_is_a_good_one(tmp_path: Path, clock: configuration.Clock) -> None:
    file = tmp_path / "trustworks.toml"
    file.write_text(configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", clock), encoding="utf-8")
    found = config.load(file).config
    assert found.provider.lab
    assert "TEST" in found.provider.name
    assert found.time.mode == clock
    assert found.issuance is not None
    assert "TEST" in found.issuance.organization
    assert found.issuance.country == "XX", "a territory that exists"


def test_other_addresses_change_nothing_else() -> None:
    before = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab").replace(
        '[log]\nlevel = "warning"', '# mine\n[log]\nlevel = "debug"'
    )
    after = configuration.moved(before, listen="0.0.0.0:9000", tls_listen="0.0.0.0:9443")
    found = tomllib.loads(after)
    assert found["http"]["listen"] == "0.0.0.0:9000"
    assert found["http"]["tls-listen"] == "0.0.0.0:9443"
    assert found["http"]["public-url"] == "http://tsp.example.com:9000"
    assert found["audit"]["time-stamp-url"] == "http://127.0.0.1:9000/tsa"
    assert found["validation"]["seal"]["time-stamp-url"] == "http://127.0.0.1:9000/tsa"
    assert found["signing"]["time-stamp-url"] == "http://127.0.0.1:9000/tsa"
    assert found["validation"]["lists"]["url"] == "http://tsp.example.com:9000/tl/lotl.xml"
    assert found["validation"]["lists"]["publication"] == "http://tsp.example.com:9000/tl/"
    assert found["log"]["level"] == "debug"
    assert "# mine" in after
    assert configuration.moved(after, listen="127.0.0.1:8080") == before
    assert configuration.moved(before) == before
    secure = configuration.moved(before, tls_listen="127.0.0.1:9443")
    assert secure == before.replace(":8443", ":9443")
    assert configuration.disclosure_url("http://tsp.example.com:8080", "127.0.0.1:9443") in secure


def test_the_configuration_has_the_digest_of_the_clients_token_alone(tmp_path: Path) -> None:
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab", token="a token")
    file = tmp_path / "trustworks.toml"
    file.write_text(text, encoding="utf-8")
    signing = config.load(file).config.signing
    assert signing is not None
    (client,) = signing.clients
    assert client.token_sha256 == hashlib.sha256(b"a token").hexdigest()
    assert client.seals == ("main",)
    assert "a token" not in text
    assert configuration.is_clients(text, "a token")
    other = configuration.with_token(text, "another")
    assert configuration.is_clients(other, "another")
    assert configuration.with_token(other, "a token") == text
    owners = text.replace('name = "lab"', 'name = "shop"')
    assert configuration.with_token(owners, "another") == owners
    assert not configuration.is_clients(owners, "a token")


def test_a_public_address_of_ones_own_stays() -> None:
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab", "http://pki.example.org")
    moved = configuration.moved(text, listen="127.0.0.1:9000")
    assert tomllib.loads(moved)["http"]["public-url"] == "http://pki.example.org"
    given = configuration.moved(text, listen="127.0.0.1:9000", public_url="http://127.0.0.1:9000")
    assert tomllib.loads(given)["http"]["public-url"] == "http://127.0.0.1:9000"
    alone = configuration.moved(text, public_url="http://127.0.0.1:9000")
    changed = text.replace("http://pki.example.org", "http://127.0.0.1:9000")
    changed = changed.replace("https://pki.example.org:8443", "https://127.0.0.1:8443")
    assert alone == changed.replace('"pki.example.org=', '"127.0.0.1=')
    own = text.replace(
        configuration.practice_url("http://pki.example.org"), "https://elsewhere.example/cps.pdf"
    )
    assert "https://elsewhere.example/cps.pdf" in configuration.moved(own, public_url="http://127.0.0.1:9000")


def test_a_configuration_rewritten_by_hand_is_not_changed_by_guessing() -> None:
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab").replace(
        "public-url", "#public-url"
    )
    with pytest.raises(Malformed, match="no single line public-url"):
        configuration.moved(text, listen="127.0.0.1:1")


def test_what_a_checked_clock_needs_has_its_line_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "trustworks.toml"
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "enforce")
    assert text.count(configuration.TRACEABLE) == 1
    file.write_text(
        text.replace(configuration.TRACEABLE, configuration.TRACEABLE.removeprefix("# ")), encoding="utf-8"
    )
    assert config.load(file).config.time.traceable_to == ("UTC(k)",)


def test_a_laboratory_without_that_line_gets_it_with_the_checked_clock() -> None:
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab")
    older = text.replace(f"{configuration.TRACEABLE}\n", "")
    assert configuration.TRACEABLE not in older
    assert configuration.with_clock(older, "enforce") == configuration.config_text(
        "127.0.0.1:8080", "127.0.0.1:8443", "enforce"
    )
    named = text.replace(configuration.TRACEABLE, 'traceable-to = ["UTC(PTB)"]')
    assert tomllib.loads(configuration.with_clock(named, "enforce"))["time"]["traceable-to"] == ["UTC(PTB)"]
    assert configuration.with_clock(text, "lab") == text


def test_another_unit_takes_the_place_of_the_first() -> None:
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab")
    assert configuration.names_unit(text, "tsu-1")
    changed = configuration.with_unit(text, "tsu-1", "tsu-2")
    assert not configuration.names_unit(changed, "tsu-1")
    assert tomllib.loads(changed)["timestamping"]["units"] == [
        {"name": "tsu-2", "certificate": "certs/tsu-2.pem", "chain": "certs/issuing.pem"}
    ]
    assert configuration.with_unit(changed, "tsu-2", "tsu-1") == text


def test_a_folder_that_was_moved_names_its_own_tokens_again_and_keeps_its_other_lines(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    places.make_folders(layout)
    assert not places.use_own_tokens(layout), "nothing was changed, it was made"
    first = layout.softhsm2.read_text(encoding="utf-8")
    put(layout.softhsm2, first.replace(str(tmp_path), "/old/place") + "slots.removable = true\n")
    assert places.use_own_tokens(layout)
    assert layout.softhsm2.read_text(encoding="utf-8") == first + "slots.removable = true\n"
    assert not places.use_own_tokens(layout)
    put(layout.softhsm2, "log.level = ERROR\n")
    assert places.use_own_tokens(layout)
    assert f"directories.tokendir = {layout.tokens}\n" in layout.softhsm2.read_text(encoding="utf-8")


def test_what_is_no_text_in_place_of_softhsm2s_file_is_told(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    places.make_folders(layout)
    layout.softhsm2.write_bytes(b"directories.tokendir = /l\xe4b\n")
    with pytest.raises(Malformed, match=r"softhsm2\.conf is not UTF-8 text"):
        places.use_own_tokens(layout)


def test_tokens_that_lie_elsewhere_are_not_forgotten_for_an_empty_folder(tmp_path: Path) -> None:
    layout, elsewhere = Layout(tmp_path / "lab"), tmp_path / "elsewhere"
    places.make_folders(layout)
    (elsewhere / "a-token").mkdir(parents=True)
    text = f"directories.tokendir = {elsewhere}\n"
    put(layout.softhsm2, text)
    with pytest.raises(Unavailable, match=f"names the tokens in {elsewhere}, and {layout.tokens} has none"):
        places.use_own_tokens(layout)
    assert layout.softhsm2.read_text(encoding="utf-8") == text
    (elsewhere / "a-token").rename(layout.tokens / "a-token")
    assert places.use_own_tokens(layout)


@pytest.mark.parametrize("named", ["not-mounted", "lab/tokens"])
def test_a_laboratory_whose_tokens_are_gone_is_not_given_others(tmp_path: Path, named: str) -> None:
    layout = Layout(tmp_path / "lab")
    places.make_folders(layout)
    text = f"directories.tokendir = {tmp_path / named}\n"
    put(layout.softhsm2, text)
    put(layout.complete, "")
    with pytest.raises(Unavailable, match=f"names the tokens in {tmp_path / named}.* none") as caught:
        places.use_own_tokens(layout)
    assert caught.value.code == "lab.tokens"
    assert layout.softhsm2.read_text(encoding="utf-8") == text

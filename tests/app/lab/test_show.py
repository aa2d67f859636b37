from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from trustworks.app.configuration.config import Config, parse
from trustworks.app.lab import show
from trustworks.app.lab.configuration import config_text
from trustworks.app.lab.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


def config(**http: Any) -> Config:
    return Config.model_validate({"provider": {"name": "TEST Provider", "lab": True}, "http": http})


def test_what_is_not_well_is_told_once_with_all_that_it_stops_and_word_for_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "Set [time] traceable-to."
    found = [("clock", sentence), ("crl", "Old."), ("timestamping", sentence)]
    monkeypatch.setattr(show, "unwell", lambda plain: found if plain else [])
    said = io.StringIO()
    show.serving(Layout(tmp_path), config(), Console(file=said))
    lines = [line for line in said.getvalue().splitlines() if line.startswith("Not well:")]
    assert lines == [f"Not well: clock, timestamping: {sentence}", "Not well: crl: Old."]


def test_several_reasons_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = ["The kernel is not synchronised.", "chronyd does not answer.", "Set [time] traceable-to."]
    monkeypatch.setattr(show, "unwell", lambda plain: [("clock", " ".join(reasons))] if plain else [])
    said = io.StringIO()
    show.serving(Layout(tmp_path), config(), Console(file=said))
    assert "Not well: clock:\n" + "".join(f"  - {reason}\n" for reason in reasons) in said.getvalue()


def test_commands_to_be_copied_hold_in_a_folder_with_a_blank(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "la b's")
    words = shlex.split(" ".join(command for _, command in show.commands(layout, config())))
    named = {word for word in words if "la b's" in word}
    files = {
        layout.config,
        layout.certificate("tls"),
        layout.trust / "root.pem",
        layout.trust / "issuing.pem",
    }
    assert named == {str(file) for file in files}


def test_the_command_that_seals_is_for_a_client_whose_token_is_kept(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "la b")
    layout.secrets.mkdir(parents=True)
    text = config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab", token="a token")
    found = parse(text, layout.config).config
    told = " ".join(command for _, command in show.commands(layout, found))
    assert "/seals" not in told, "the token is kept elsewhere"
    layout.client_token.write_text("a token\n", encoding="ascii")
    assert len(show.commands(layout, found)) == 6
    (command,) = (command for _, command in show.commands(layout, found) if "/seals" in command)
    assert "a token" not in command
    assert str(layout.state / "trusted-lists") in shlex.split(command)
    layout.client_token.write_text("another\n", encoding="ascii")
    assert len(show.commands(layout, found)) == 5


def test_a_folders_brackets_are_shown_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "unwell", lambda _plain: [])
    said = io.StringIO()
    https = {"tls-listen": "127.0.0.1:8443", "tls-certificate": "c", "tls-key": "k"}
    show.serving(Layout(tmp_path / "la[b]"), config(**https), Console(file=said, width=500))
    assert f"(trust anchor {tmp_path}/la[b]/trust/root.pem)" in said.getvalue()


def test_a_state_that_plain_http_does_not_show_is_not_asked_for_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "unwell", lambda _plain: pytest.fail("there is no /healthz"))
    said = io.StringIO()
    show.serving(Layout(tmp_path), config(pages=()), Console(file=said))
    assert "The laboratory is up: http://127.0.0.1:8080\n" in said.getvalue()
    assert "Five commands to try:" in said.getvalue()


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"resources": {}}')

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        del format, arguments


def test_what_the_laboratory_says_of_itself_is_asked_of_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(show, "HEALTH_PATIENCE", 1.0)
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        answering = Thread(target=server.serve_forever)
        answering.start()
        try:
            assert show.unwell(f"http://127.0.0.1:{server.server_port}") == []
        finally:
            server.shutdown()
            answering.join()


@pytest.mark.parametrize("folder", ["./lab", "la b", "la  b", "~", "~/lab", "la'b", "la$(id)b"])
def test_make_hands_on_a_folder_whatever_its_name(folder: str, request: pytest.FixtureRequest) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("NOT TESTED, make is missing")
    command = [make, "-n", "run", f"DIR={folder.replace('$', '$$')}", "LISTEN=127.0.0.1:9"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # `make test`
    found = subprocess.run(
        command, cwd=request.config.rootpath, env=alone, capture_output=True, text=True, check=True
    )
    words = shlex.split(found.stdout.splitlines()[-1])
    assert words[-4:] == ["--dir", folder, "--listen", "127.0.0.1:9"]

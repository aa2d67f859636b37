"""What a laboratory tells its user: what is being made, where it answers, and six commands to try."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from trustworks.app.configuration.settings import url
from trustworks.app.health.findings import sentences
from trustworks.app.lab.configuration import NAME
from trustworks.app.lab.layout import kept_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from trustworks.app.configuration.config import Config
    from trustworks.app.lab.layout import Layout
    from trustworks.app.lab.steps import Step
    from trustworks.signing.config import ClientSettings

_NUMBERS = {5: "Five", 6: "Six"}
HEALTH_PATIENCE = 5.0  # seconds after the start until what is not well is told


def work(steps: Sequence[Step], console: Console) -> None:
    """Do the steps, with a bar at a terminal and a line for each otherwise."""
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=len(steps))
        for words, do in steps:
            progress.update(bar, description=words)
            started = time.perf_counter()
            do()
            progress.advance(bar)
            console.print(f"  [green]ok[/] {words} [dim]{time.perf_counter() - started:.1f} s[/]")


def serving(layout: Layout, config: Config, console: Console) -> None:
    """Say where the laboratory answers, what is not well, and what to try."""
    http = config.http
    plain = url("http", http.listen)
    inside = "http" in http.pages
    console.print()
    state = "/ shows its state." if inside else ""
    console.print(f"[bold]The laboratory is up:[/] {plain}{state}", highlight=False)
    if http.tls_listen is not None:
        secure = url("https", http.tls_listen)
        anchor = escape(shown(layout.trust / "root.pem"))
        console.print(f"Over HTTPS: {secure}/ (trust anchor {anchor}).", highlight=False)
    if config.validation is not None:
        console.print(f"Signed files are validated at {plain}/validation", highlight=False)
    if _client(layout, config) is not None:
        token = escape(shown(layout.client_token))
        console.print(
            f"Documents are signed at {plain}/sign by whoever has the token in {token}",
            highlight=False,
            soft_wrap=True,
        )
    for names, sentence in together(unwell(plain) if inside else ()):
        reasons = sentences(sentence)
        words = f" {escape(reasons[0])}" if len(reasons) == 1 else ""
        console.print(f"[yellow]Not well:[/] {names}:{words}", highlight=False, soft_wrap=True)
        for reason in reasons if len(reasons) > 1 else ():
            console.print(f"  - {escape(reason)}", highlight=False, soft_wrap=True)
    console.print("[yellow]A laboratory:[/] keys in a test module, names that say TEST, no legal effect.")
    if urlsplit(http.public_url).hostname == NAME:
        console.print(
            f"Certificates name {http.public_url}. For tools that follow it, put '127.0.0.1 {NAME}' into "
            f"/etc/hosts, or start a new laboratory with --public-url {plain}.",
            highlight=False,
            soft_wrap=True,
        )
    console.print()
    found = commands(layout, config)
    console.print(f"{_NUMBERS[len(found)]} commands to try:")
    for number, (what, command) in enumerate(found, 1):
        console.print(f"\n[bold]{number}.[/] {what}", highlight=False, soft_wrap=True)
        console.print(command, highlight=False, soft_wrap=True, markup=False, style="cyan")
    console.print("\nCtrl-C stops it; the same command starts it again.")


def commands(layout: Layout, config: Config) -> list[tuple[str, str]]:
    """Commands with the real addresses and folders, each with what it does.

    There is one less where the owner has no client of signatures of the laboratory's own.
    """
    plain = url("http", config.http.listen)
    certificate = _word(layout.certificate("tls"))
    root, issuing = _word(layout.trust / "root.pem"), _word(layout.trust / "issuing.pem")
    data = "README.md" if Path("README.md").is_file() else _word(layout.config)
    time_stamp = (
        f"openssl ts -query -data {data} -sha256 -cert -out q.tsq\n"
        f"curl -s -H 'Content-Type: application/timestamp-query' --data-binary @q.tsq {plain}/tsa -o r.tsr\n"
        f"openssl ts -verify -queryfile q.tsq -in r.tsr -CAfile {root}"
    )
    status = f"openssl ocsp -CAfile {root} -issuer {issuing} -cert {certificate} -url {plain}/ocsp"
    crl = f"curl -s {plain}/crl/issuing.crl | openssl crl -inform DER -noout -text"
    issue = (
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key "
        "-subj / -out server.csr\n"
        f"{_trustworks(layout)} certificate issue --profile tls-server --csr server.csr "
        "--subject 'CN=My TEST server' --alternative-name DNS:server.test --out server.pem --replace"
    )
    return [
        ("A time-stamp over a file, verified by OpenSSL:", time_stamp),
        ("The status of a certificate:", status),
        ("The list of revoked certificates:", crl),
        ("A certificate for a key of your own:", issue),
        *_seal(layout, config, data),
        ("Every event so far, with its place in the log proven:", verify_command(layout, config)),
    ]


def _seal(layout: Layout, config: Config, data: str) -> list[tuple[str, str]]:
    client = _client(layout, config)
    if client is None or config.validation is None or config.validation.lists is None:
        return []
    asked = f'{{"seal": "{client.seals[0]}", "format": "cades", "level": "B-LTA"'
    message = f'{asked}, "documents": [{{"content": "%s"}}]}}'
    sealed = shlex.quote(f"{Path(shlex.split(data)[0]).name}.p7m")
    command = (
        f"printf '{message}' $(base64 -w0 {data}) |\n"
        f'  curl -s -H "Authorization: Bearer $(cat {_word(layout.client_token)})" '
        f"-H 'Content-Type: application/json' --data-binary @- {url('http', config.http.listen)}/seals |\n"
        f"""  sed 's/.*"content":"\\([^"]*\\)".*/\\1/' | base64 -d > {sealed}\n"""
        f"{program()} validate {sealed} --policy qualified --trust {_word(config.validation.lists.store)}"
    )
    return [("A seal on a file, qualified by the laboratory's own trusted list:", command)]


def _client(layout: Layout, config: Config) -> ClientSettings | None:
    """The client of signatures whose token the laboratory keeps; None where its owner has others."""
    token = kept_token(layout)
    digest = hashlib.sha256(token.encode()).hexdigest()
    clients = () if config.signing is None else config.signing.clients
    return next((one for one in clients if token and one.seals and one.token_sha256 == digest), None)


def verify_command(layout: Layout, config: Config) -> str:
    """The command that verifies the audit log, with the certificates of all that signed its checkpoints.

    The set-up and the operator's guide number them, `audit-1.pem`, and keep those of old signers.
    """
    own = config.audit.certificate
    numbered = re.compile(r"audit(-[1-9][0-9]*)?\.pem")
    found = sorted(one for one in layout.certificates.glob("audit*.pem") if numbered.fullmatch(one.name))
    others = [one for one in found if one != own]
    given = [*([] if own is None else [own]), *others] if others else []
    options = "".join(f" --certificate {_word(one)}" for one in given)
    return f"{_trustworks(layout)} audit verify{options}"


def _trustworks(layout: Layout) -> str:
    return f"{program()} --config {_word(layout.config)}"


def _word(path: Path) -> str:
    """A path as a word of a shell's command."""
    return shlex.quote(shown(path))


def program() -> str:
    """How the user starts this program: by name, or by its path where the shell would not find it."""
    found = shutil.which("trustworks")
    beside = Path(sys.executable).with_name("trustworks")
    return "trustworks" if found is not None or not beside.exists() else _word(beside)


def together(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each sentence once, with the names of all resources that it stops."""
    names: dict[str, list[str]] = {}
    for name, sentence in found:
        names.setdefault(sentence, []).append(name)
    return [(", ".join(stopped), sentence) for sentence, stopped in names.items()]


def unwell(plain: str) -> list[tuple[str, str]]:
    """What `/healthz` finds not well, after the jobs process had a moment to report."""
    deadline = time.monotonic() + HEALTH_PATIENCE
    while True:
        try:
            # It is on this machine: a proxy that the environment names does not lead to it.
            found = httpx.get(f"{plain}/healthz", timeout=HEALTH_PATIENCE, trust_env=False).json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            found = {"resources": {"http": {"ok": False, "sentence": f"{plain} does not answer yet."}}}
        wrong = [(name, one["sentence"]) for name, one in found["resources"].items() if not one["ok"]]
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.2)


def shown(path: Path) -> str:
    """A path as its user would type it: relative when it lies below where they are."""
    try:
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    except OSError:
        return str(path)

"""Resources that are missing or break: a clear sentence, a refusal, and service again when they are back."""

from __future__ import annotations

import html
import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import asn1crypto.ocsp
import httpx
import pytest
from laboratory import Lab, failure, until

from trustworks.app.lab.configuration import config_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgresql_server import PostgresqlServer

CONFIRMED = ("--confirmed-how", "called back")


pytestmark = pytest.mark.e2e


def test_without_a_disciplined_clock_enforce_gives_no_time_and_healthz_says_why(
    copied: Lab, request_der: bytes
) -> None:
    copied.start("--clock", "enforce")
    assert failure(copied.stamp(request_der)) == "timeNotAvailable"
    found = copied.unwell()
    assert "clock" in found
    assert "chrony" in found["clock"] or "traceable-to" in found["clock"]
    reason = found["clock"].split(". ")[0]
    assert httpx.get(f"{copied.url}/healthz").text.count(reason) == 1
    assert copied.output.count(reason) == 1
    assert found["timestamping"] == "The clock gives no time: see clock."
    assert re.search(r"^Not well: (.+, )?clock\b", copied.output, re.MULTILINE)
    assert httpx.get(f"{copied.url}/healthz").status_code == 503
    status = copied.run("time", "status", check=False)
    assert status.returncode == 1
    assert not any("Unchecked clock" in banner for banner in copied.health()["banners"])
    page = httpx.get(f"{copied.url}/", headers={"accept": "text/html"}).text
    assert "gives no time" in page
    assert html.unescape(page).count(reason) == 1


def test_a_set_up_without_trusted_time_says_with_which_clock_it_dates(make_lab: Callable[[], Lab]) -> None:
    one = make_lab()

    def set_up() -> str:
        command = one.command("--setup-only", "--clock", "enforce")
        return subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=one.folder.parent
        ).stdout

    sentence = "The set-up itself dates with this machine's clock, which nobody checks."
    said = set_up()
    assert sentence in said
    assert said.index(sentence) < said.index("Root CA")
    assert sentence not in set_up()  # it is complete: nothing is dated
    assert one.run("time", "status", check=False).returncode == 1  # there is no trusted time
    assert (one.folder / "certs" / "tsu-1.pem").is_file()


@pytest.fixture
def without_tsu_token(copied: Lab) -> Callable[[], None]:
    """Takes the token `tsu` away at once; answers a function that puts it back."""
    copied.set_up()  # moves the copy to its own addresses
    tokens = copied.folder / "tokens"
    found = [folder for folder in tokens.iterdir() if _is_tsu(folder)]
    assert len(found) == 1
    away = copied.folder / "away"
    found[0].rename(away)
    return lambda: (away.rename(found[0]), None)[1]


def _is_tsu(folder: Path) -> bool:
    """Whether a token's folder is that of `tsu`: SoftHSM2 writes the label into token.object."""
    return re.search(rb"tsu {29}", (folder / "token.object").read_bytes()) is not None


def test_a_missing_token_stops_its_service_alone(
    copied: Lab, without_tsu_token: Callable[[], None], request_der: bytes
) -> None:
    with _served(copied):
        found = until(copied.unwell, what="that the token is missed")
        assert "tsu" in found["module.tsu"]
        assert failure(copied.stamp(request_der)) == "systemFailure"
        assert httpx.get(f"{copied.url}/crl/issuing.crl").status_code == 200
    without_tsu_token()  # SoftHSM2 finds new tokens when it starts
    copied.start()
    assert failure(copied.stamp(request_der)) is None
    until(copied.well, what="that everything is well")


def test_a_wrong_pin_is_told_and_not_tried_again(copied: Lab, request_der: bytes) -> None:
    pin = copied.folder / "secrets" / "tsu.pin"
    right = pin.read_text(encoding="ascii")
    pin.write_text("a-wrong-pin-of-many-characters\n", encoding="ascii")
    copied.start()
    assert "PIN" in copied.unwell()["module.tsu"]
    assert failure(copied.stamp(request_der)) == "systemFailure"
    assert "a-wrong-pin" not in copied.output
    before = copied.output.count("opening.failed")
    httpx.get(f"{copied.url}/healthz")
    assert copied.output.count("opening.failed") == before
    pin.write_text(right, encoding="ascii")
    until(lambda: failure(copied.stamp(request_der)) is None, what="a time-stamp with the corrected PIN")
    until(copied.well, what="that everything is well")


def test_a_missing_ocsp_certificate_is_told(copied: Lab, request_der: bytes) -> None:
    copied.set_up()  # moves the copy to its own addresses
    (copied.folder / "certs" / "ocsp.pem").rename(copied.folder / "ocsp.pem")
    with _served(copied):
        found = httpx.get(f"{copied.url}/healthz", timeout=30).json()["resources"]
        assert "ocsp.pem" in found["ocsp"]["sentence"]
        answer = httpx.post(
            f"{copied.url}/ocsp", content=b"x", headers={"content-type": "application/ocsp-request"}
        )
        response = asn1crypto.ocsp.OCSPResponse.load(answer.content)
        assert response["response_status"].native == "try_later"
        (copied.folder / "ocsp.pem").rename(copied.folder / "certs" / "ocsp.pem")
        until(
            lambda: httpx.get(f"{copied.url}/healthz", timeout=30).json()["resources"]["ocsp"]["ok"],
            what="OCSP after the certificate came back",
        )
    del request_der


@contextmanager
def _served(lab: Lab) -> Iterator[None]:
    """Serve a laboratory as it is: `trustworks lab` would make first what is missing."""
    command = [*lab.command()[:1], "--config", str(lab.config), "serve"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: _answers(lab.url), seconds=60, what="the start")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_key_of_https_that_is_missing_is_told_before_anything_is_started(copied: Lab) -> None:
    copied.set_up()  # moves the copy to its own addresses
    (copied.folder / "secrets" / "tls.key").unlink()
    found = copied.run("serve", check=False)
    assert found.returncode == 1
    assert "secrets/tls.key, cannot be read" in found.stderr
    assert "Traceback" not in found.stderr
    assert "serve.process-started" not in found.stderr


def test_a_worker_that_hangs_is_told_and_started_again(lab: Lab) -> None:
    hung = lab.children()["https-1"]
    os.kill(hung, signal.SIGSTOP)
    until(lambda: lab.children().get("https-1") not in {None, hung}, seconds=60, what="another https-1")
    assert "serve.process-hung" in lab.output
    until(lab.well, what="that everything is well again")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=30).status_code in {200, 503}
    except httpx.HTTPError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT TESTED, a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_tokens_and_room_brings_them_back(
    copied: Lab, small_disk: Path, request_der: bytes
) -> None:
    whole = small_disk / "lab"  # all of it: tokens, secrets and counters too
    copied.set_up()
    shutil.copytree(copied.folder, whole)
    copied.folder = whole
    conf = whole / "softhsm2.conf"
    conf.write_text(
        re.sub(r"tokendir = .*", f"tokendir = {whole / 'tokens'}", conf.read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    copied.start()
    assert failure(copied.stamp(request_der)) is None
    ballast = small_disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(1 << 16))
    workers = copied.children()
    answers = [failure(copied.stamp(request_der)) for _ in range(60)]
    for _ in range(20):
        assert httpx.get(f"{copied.url}/crl/none.crl").status_code == 404  # a number that was not counted yet
    assert "systemFailure" in answers
    found = until(copied.unwell, what="that the full disk is told")
    assert any("full" in sentence for sentence in found.values()), found
    assert copied.children() == workers, "a process died of the full disk"
    ballast.unlink()
    until(lambda: failure(copied.stamp(request_der)) is None, what="a time-stamp after there was room")
    copied.stop()
    assert "The log is sound." in copied.run("audit", "verify").stdout


@pytest.mark.postgresql
def test_a_stopped_postgresql_stops_the_tokens_and_its_start_brings_them_back(
    make_lab: Callable[[], Lab], own_postgresql: PostgresqlServer, request_der: bytes
) -> None:
    one = make_lab()
    one.folder.mkdir()
    own_postgresql.run("CREATE DATABASE lab")
    text = config_text(f"127.0.0.1:{one.port}", f"127.0.0.1:{one.tls_port}", "lab")
    one.config.write_text(f'{text}\n[store]\nurl = "{own_postgresql.url("lab")}"\n', encoding="utf-8")
    one.start()
    until(one.well, seconds=60, what="that everything is well")
    assert failure(one.stamp(request_der)) is None
    own_postgresql.stop()
    assert failure(one.stamp(request_der)) == "systemFailure"
    found = until(one.unwell, what="that the stopped database is told")
    assert "PostgreSQL" in found["store"]
    own_postgresql.start()
    until(lambda: failure(one.stamp(request_der)) is None, what="a time-stamp after PostgreSQL came back")
    until(one.well, seconds=60, what="that everything is well")
    assert "The log is sound." in one.run("audit", "verify").stdout


@pytest.fixture
def own_postgresql() -> Iterator[PostgresqlServer]:
    from postgresql_server import NoPostgresqlError, PostgresqlServer  # noqa: PLC0415

    try:
        server = PostgresqlServer(durable=True)
    except NoPostgresqlError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")
    yield server
    server.remove()


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
def test_a_unit_whose_certificate_was_revoked_stops(copied: Lab, request_der: bytes) -> None:
    copied.start()
    assert failure(copied.stamp(request_der)) is None
    revoke(copied, "tsu-1")
    until(lambda: failure(copied.stamp(request_der)) == "systemFailure", what="that the unit stops")
    until(lambda: "timestamping" in copied.unwell(), what="that /healthz tells")  # it keeps findings a second
    assert "keyCompromise" in copied.unwell()["timestamping"]


def revoke(lab: Lab, name: str) -> None:
    """Revoke the certificate in a file of the laboratory, as somebody whose key was stolen does."""
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(lab.folder / "certs" / f"{name}.pem"), "-noout", "-serial"],
        check=True,
        capture_output=True,
        text=True,
    )
    serial = shown.stdout.strip().removeprefix("serial=").lower().zfill(40)
    lab.run("certificate", "revoke", serial, "--reason", "keyCompromise", *CONFIRMED)


@pytest.mark.req("TRUSTWORKS:APP-REVOKED-TOLD", "TRUSTWORKS:STATUS-OCSP-REVOKED-STOPS")
def test_revoked_certificates_of_the_other_services_are_told(copied: Lab, request_der: bytes) -> None:
    def ocsp() -> str:
        command = ["openssl", "ocsp", "-issuer", f"{copied.folder}/trust/issuing.pem"]
        command += ["-cert", f"{copied.folder}/certs/tsu-1.pem", "-url", f"{copied.url}/ocsp"]
        command += ["-CAfile", f"{copied.folder}/trust/root.pem"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    copied.start()
    until(copied.well, what="that everything is well")
    assert "tsu-1.pem: good" in ocsp()
    for name in ("audit", "tls"):
        revoke(copied, name)
    found = until(copied.unwell, what="that the revoked certificates are told")
    assert set(found) == {"certificates"}
    for words in ("Audit log: the certificate", "HTTPS: the certificate", "Take a new key and certificate"):
        assert words in found["certificates"]
    assert "tsu-1.pem: good" in ocsp()
    revoke(copied, "ocsp")
    until(lambda: "trylater" in ocsp(), what="that the responder stops")
    found = until(lambda: "ocsp" in copied.unwell() and copied.unwell(), what="that the signer is told")
    assert "keyCompromise" in found["ocsp"]
    assert "OCSP responder: the certificate" in found["certificates"]
    assert failure(copied.stamp(request_der)) is None

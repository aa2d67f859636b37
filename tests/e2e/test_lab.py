"""The laboratory as a newcomer meets it: one command, and OpenSSL and curl are content."""

from __future__ import annotations

import grp
import os
import re
import select
import socket
import ssl
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asn1crypto.tsp
import httpx
import pytest
from laboratory import PROGRAM, failure, until

if TYPE_CHECKING:
    from laboratory import Lab

CONFIRMED = ("--confirmed-how", "called back")


pytestmark = pytest.mark.e2e


def shell(command: str, folder: Path) -> str:
    """What a command prints; it must end well."""
    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, f"{command}\n{found.stdout}{found.stderr}"
    return found.stdout + found.stderr


def test_the_token_is_what_openssl_accepts_and_re_encodes_to_the_same_bytes(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("a readme", encoding="utf-8")
    said = shell(
        "openssl ts -query -data README.md -sha256 -cert -out q.tsq\n"
        "curl -s -H 'Content-Type: application/timestamp-query' --data-binary @q.tsq "
        f"127.0.0.1:{lab.port}/tsa -o r.tsr\n"
        f"openssl ts -verify -queryfile q.tsq -in r.tsr -CAfile {lab.folder}/trust/root.pem\n"
        f"openssl ts -verify -data README.md -in r.tsr -CAfile {lab.folder}/trust/root.pem",
        tmp_path,
    )
    assert said.count("Verification: OK") == 2
    der = (tmp_path / "r.tsr").read_bytes()
    response = asn1crypto.tsp.TimeStampResp.load(der, strict=True)
    assert response["status"]["status"].native == "granted"
    assert response.copy().dump(force=True) == der


def test_the_six_commands_that_it_prints_all_work(lab: Lab, tmp_path: Path) -> None:
    printed = lab.output.partition("Six commands to try:")[2]
    found = re.split(r"(?m)^\d\. .*$", printed.partition("\nCtrl-C")[0])[1:]
    assert len(found) == 6
    (tmp_path / lab.folder.name).symlink_to(lab.folder)
    (tmp_path / "server.pem").write_text("of an earlier try", encoding="ascii")
    answers = [shell(f"export PATH={PROGRAM.parent}:$PATH\n{command}", tmp_path) for command in found]
    assert "Verification: OK" in answers[0]
    assert "tls.pem: good" in answers[1]
    assert "Response verify OK" in answers[1]
    assert "CRL Number" in answers[2]
    assert "Issued" in answers[3]
    assert "TOTAL-PASSED" in answers[4]
    assert "qualified  QESeal" in answers[4]
    assert "The log is sound." in answers[5]
    chain = f"{lab.folder}/trust/chain.pem"
    assert "server.pem: OK" in shell(f"openssl verify -CAfile {chain} server.pem", tmp_path)


def test_status_of_a_revoked_and_of_a_never_issued_certificate(lab: Lab, tmp_path: Path) -> None:
    shell(
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -subj / "
        "-out k.csr",
        tmp_path,
    )
    issued = lab.run(
        *("certificate", "issue", "--profile", "tls-server", "--csr", str(tmp_path / "k.csr")),
        *("--subject", "CN=A TEST server", "--alternative-name", "DNS:a.test"),
        *("--out", str(tmp_path / "a.pem")),
    )
    serial = issued.stdout.split()[1]
    trust = lab.folder / "trust"
    ask = f"openssl ocsp -CAfile {trust}/root.pem -issuer {trust}/issuing.pem -url {lab.url}/ocsp"
    assert "a.pem: good" in shell(f"{ask} -cert a.pem", tmp_path)
    lab.run("certificate", "revoke", serial, "--reason", "superseded", *CONFIRMED)
    assert "a.pem: revoked" in shell(f"{ask} -cert a.pem", tmp_path)
    never = shell(f"{ask} -serial 0x{'42' * 20}", tmp_path)
    assert ": good" not in never
    # The list follows by itself: the jobs process publishes it soon after a revocation.
    fetch = f"curl -s {lab.url}/crl/issuing.crl | openssl crl -inform DER -noout -text"
    deadline = time.monotonic() + 30
    while serial.upper() not in shell(fetch, tmp_path).replace(":", ""):
        assert time.monotonic() < deadline, "the revocation is on no list"
        time.sleep(0.5)
    shell(f"curl -s {lab.url}/crl/issuing.crl | openssl crl -inform DER -out issuing.pem", tmp_path)
    check = f"openssl verify -crl_check -CAfile {trust}/chain.pem -CRLfile issuing.pem"
    refused = subprocess.run(
        ["bash", "-c", f"{check} a.pem"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "certificate revoked" in refused.stderr
    assert "tls.pem: OK" in shell(f"{check} {lab.folder}/certs/tls.pem", tmp_path)


def test_https_with_the_labs_own_root(lab: Lab, request_der: bytes) -> None:
    context = ssl.create_default_context(cafile=lab.folder / "trust" / "root.pem")
    with httpx.Client(verify=context) as client:
        answer = client.post(
            f"{lab.tls_url}/tsa", content=request_der, headers={"content-type": "application/timestamp-query"}
        )
        assert answer.status_code == 200
        assert asn1crypto.tsp.TimeStampResp.load(answer.content)["status"]["status"].native == "granted"
        assert client.get(f"{lab.tls_url}/healthz").json()["ok"]
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{lab.tls_url}/healthz")


def test_a_time_stamp_over_https_by_the_own_client(lab: Lab, tmp_path: Path) -> None:
    document, root = tmp_path / "document.txt", str(lab.folder / "trust" / "root.pem")
    document.write_bytes(b"a document")
    command = ("timestamp", "request", str(document), "--url", f"{lab.tls_url}/tsa", "--trust", root)
    refused = lab.run(*command, check=False)
    assert refused.returncode == 1
    assert "--tls-trust FILE" in refused.stderr
    assert "existed at" in lab.run(*command, "--tls-trust", root).stdout
    shown = lab.run("timestamp", "inspect", f"{document}.tst").stdout
    assert "organizationIdentifier=NTRXX-TEST-0001" in shown
    assert "2.5.4.97" not in shown


def test_secrets_are_their_owners_alone(lab: Lab) -> None:
    assert stat.S_IMODE((lab.folder / "secrets").stat().st_mode) == 0o700
    pins = {}
    for file in (lab.folder / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        pins[file.name] = file.read_text(encoding="utf-8").strip()
    assert len(pins) == 12
    assert len(set(pins.values())) == 12, "two secrets are the same"
    assert all(len(pin) >= 20 for pin in pins.values())
    for file in (lab.folder / "tokens", lab.folder / "state"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o700
    text = lab.config.read_text(encoding="utf-8") + lab.output
    assert not [name for name, pin in pins.items() if pin in text]


def test_healthz_names_every_resource_with_a_sentence(lab: Lab) -> None:
    found = lab.health()
    assert found["ok"]
    assert set(found["resources"]) == {
        *("clock", "store", "audit", "disk", "certificates", "jobs", "timestamping", "ocsp", "crl"),
        *("module.tsu", "module.services", "module.issuing", "enrolment", "console", "processes"),
        *("keys", "statements", "key-lists", "roles", "validation", "trusted-lists", "signing"),
    }
    assert all(one["sentence"].endswith(".") for one in found["resources"].values())
    assert any("Laboratory" in banner for banner in found["banners"])
    assert any("Test module" in banner for banner in found["banners"])
    assert any("Unchecked clock" in banner for banner in found["banners"])


def test_metrics_count_for_all_workers_together(lab: Lab, request_der: bytes) -> None:
    def counted() -> list[float]:
        text = httpx.get(f"{lab.url}/metrics").text
        series = (
            'trustworks_http_requests_total{route="/tsa",status="200"}',
            'trustworks_timestamps_total{result="granted",unit="tsu-1"}',
            'trustworks_timestamps_total{result="badDataFormat",unit="tsu-1"}',
            'trustworks_ocsp_responses_total{result="malformedRequest"}',
        )
        found = (re.search(rf"^{re.escape(one)} (\S+)$", text, re.MULTILINE) for one in series)
        return [float(one[1]) if one else 0.0 for one in found]

    before = counted()
    for _ in range(20):  # each over a connection of its own, so that both workers get some
        lab.stamp(request_der)
        lab.stamp(b"nonsense")
        httpx.get(f"{lab.url}/ocsp/nonsense")
    grown = [now - then for then, now in zip(before, counted(), strict=True)]
    assert [now >= least for now, least in zip(grown, (40, 20, 20, 20), strict=True)] == [True] * 4, grown


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\x30\x80\x00\x00", b"\x30" * 16_384])
def test_a_bad_body_gets_the_protocols_own_error(lab: Lab, body: bytes) -> None:
    answer = lab.stamp(body)
    assert failure(answer) == "badDataFormat"
    assert b"Traceback" not in answer.content


def test_other_bad_requests_are_told_what_is_wrong(lab: Lab, request_der: bytes) -> None:
    assert lab.stamp(request_der + bytes(20_000)).status_code == 413
    wrong = httpx.post(f"{lab.url}/tsa", content=request_der, headers={"content-type": "text/plain"})
    assert (wrong.status_code, "timestamp-query" in wrong.text) == (415, True)
    assert httpx.get(f"{lab.url}/tsa").status_code == 405
    assert httpx.get(f"{lab.url}/tsa/none").status_code == 404
    assert httpx.get(f"{lab.url}/trust/../secrets/tsu.pin").status_code == 404
    assert httpx.get(f"{lab.url}/trust/%2e%2e%2fsecrets%2ftsu.pin").status_code == 404


def test_a_slow_body_holds_nobody_up(lab: Lab, request_der: bytes) -> None:
    head = (
        f"POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\n"
        f"Content-Length: {len(request_der)}\r\n\r\n"
    ).encode()
    slow = [socket.create_connection(("127.0.0.1", lab.port)) for _ in range(40)]
    try:
        for one in slow:
            one.sendall(head + request_der[:5])
        assert lab.stamp(request_der).status_code == 200
        assert not select.select(slow, [], [], 0)[0], "it was answered after the slow ones were given up"
        slow[0].settimeout(30)
        assert slow[0].recv(100).startswith(b"HTTP/1.1 408")
    finally:
        for one in slow:
            one.close()


def test_silent_clients_of_https_are_closed_with_and_without_a_handshake(lab: Lab) -> None:
    context = ssl.create_default_context(cafile=lab.folder / "trust" / "root.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    where = ("127.0.0.1", int(lab.tls_url.rpartition(":")[2]))
    with (
        socket.create_connection(where, timeout=30) as bare,
        socket.create_connection(where, timeout=30) as opened,
        context.wrap_socket(opened, server_hostname="127.0.0.1") as greeted,
    ):
        assert greeted.recv(1) == b""
        assert bare.recv(1) == b""


def test_a_client_that_takes_no_answers_is_closed(lab: Lab) -> None:
    asking = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 400
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        deaf.connect(("127.0.0.1", lab.port))
        deaf.sendall(asking)
        ports = f"0100007F:{lab.port:04X} 0100007F:{deaf.getsockname()[1]:04X} 01 "  # 01: established
        assert ports in connections()
        deadline = time.monotonic() + 60
        while ports in connections():
            assert time.monotonic() < deadline, "the service keeps the connection"
            time.sleep(0.5)


def connections() -> str:
    """Linux' list of TCP connections: local and remote address and state, in hexadecimal."""
    return Path("/proc/net/tcp").read_text(encoding="ascii")


def test_a_client_certificate_claimed_by_anybody_is_ignored(lab: Lab, request_der: bytes) -> None:
    headers = {"content-type": "application/timestamp-query", "client-cert": ":nonsense:"}
    assert httpx.post(f"{lab.url}/tsa", content=request_der, headers=headers).status_code == 200


def test_config_check_finds_everything_in_order(lab: Lab) -> None:
    assert "is in order" in lab.run("config", "check").stdout


def test_audit_verify_and_module_and_time_work_while_it_serves(lab: Lab) -> None:
    assert "The log is sound." in lab.run("audit", "verify").stdout
    assert "gives time" in lab.run("time", "status").stdout


def _other_groups() -> set[int]:
    """Groups that the services may give the socket to, and that a new file of theirs does not have."""
    given = {one.gr_gid for one in grp.getgrall()} if os.geteuid() == 0 else set(os.getgroups())
    return given - {os.getegid()}


def test_the_proxys_unix_socket_serves_too(copied: Lab, request_der: bytes) -> None:
    group = next((one for one in grp.getgrall() if one.gr_gid in _other_groups()), grp.getgrgid(os.getegid()))
    # A Unix socket's name has at most 107 octets, and the folders of tests are long.
    with tempfile.TemporaryDirectory() as short:
        text = copied.config.read_text(encoding="utf-8").replace('pages = ["http", ', 'pages = ["proxy", ')
        proxy = f'\n[http.proxy]\nunix-socket = "{short}/p/proxy.sock"\n'
        proxy += f'unix-socket-group = "{group.gr_name}"\n'
        copied.config.write_text(text + proxy, encoding="utf-8")
        copied.start()
        transport = httpx.HTTPTransport(uds=f"{short}/p/proxy.sock")
        assert stat.S_IMODE(Path(short, "p", "proxy.sock").stat().st_mode) == 0o660
        assert stat.S_IMODE(Path(short, "p").stat().st_mode) == 0o750
        assert Path(short, "p").stat().st_gid == Path(short, "p", "proxy.sock").stat().st_gid == group.gr_gid
        with httpx.Client(transport=transport, base_url="http://proxy") as client:
            headers = {"content-type": "application/timestamp-query"}
            assert failure(client.post("/tsa", content=request_der, headers=headers)) is None
            # What the proxy says about its client's certificate is read here, and must be a certificate.
            headers["client-cert"] = ":nonsense:"
            assert client.post("/tsa", content=request_der, headers=headers).status_code == 400
            assert client.get("/metrics").status_code == 200
        trusted = ssl.create_default_context(cafile=str(copied.folder / "trust" / "root.pem"))

        def state() -> dict[str, Any]:
            answer = httpx.get(f"{copied.tls_url}/healthz", verify=trusted, timeout=30)
            found: dict[str, Any] = answer.json()["resources"]["processes"]
            return found

        until(lambda: state()["ok"], what="that all processes are up")
        Path(short, "p", "proxy.sock").unlink()
        until(lambda: not state()["ok"], seconds=10, what="that the lost socket is told")
        assert f"Nothing listens on {short}/p/proxy.sock" in state()["sentence"]
        assert copied.stop() == 0

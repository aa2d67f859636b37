"""nginx as the proxy that verifies TLS clients: curl renews by EST with the certificate that it shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from laboratory import Lab, free_port, openssl, until

from trustworks.issuance.wire import serial_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIRMED = ("--confirmed-how", "called back")


pytestmark = pytest.mark.interop

# As docs/est.md shows it, with what makes it run in a folder of its own.
NGINX = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_client_certificate {anchors};
        ssl_verify_client optional;
        ssl_verify_depth 2;
        location /.well-known/est/ {{
            proxy_pass http://unix:{socket}:;
            proxy_set_header Host $http_host;
            proxy_set_header Client-Cert $ssl_client_escaped_cert;
        }}
    }}
}}
"""


@dataclass
class Proxied:
    """A laboratory behind nginx; `est` asks nginx."""

    lab: Lab
    port: int
    folder: Path

    def est(self, operation: str, *options: object, port: int | None = None) -> tuple[int, bytes]:
        out = self.folder / "answer"
        out.unlink(missing_ok=True)
        url = f"https://127.0.0.1:{port or self.port}/.well-known/est/{operation}"
        root = self.lab.folder / "trust" / "root.pem"
        command = ("curl", "-sS", "--cacert", root, "-o", out, "-w", "%{http_code}", *options, url)
        done = subprocess.run([str(one) for one in command], check=True, capture_output=True, timeout=60)
        return int(done.stdout), out.read_bytes() if out.exists() else b""

    def request(self, name: str) -> tuple[Path, tuple[object, ...]]:
        """A new key's request; its file, and how curl posts it."""
        key, der, file = (self.folder / f"{name}.{kind}" for kind in ("key", "der", "p10"))
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", "/CN=pump 7 TEST", "-outform", "DER", "-out", der)
        openssl("base64", "-in", der, "-out", file)
        return key, ("-H", "Content-Type: application/pkcs10", "--data-binary", f"@{file}")

    def certificate(self, answer: bytes, name: str) -> Path:
        raw, der, file = (self.folder / f"{name}.{kind}" for kind in ("b64", "p7", "pem"))
        raw.write_bytes(answer)
        openssl("base64", "-d", "-in", raw, "-out", der)
        openssl("pkcs7", "-inform", "DER", "-in", der, "-print_certs", "-out", file)
        return file


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("NOT TESTED, because nginx is missing; `tools/setup tests` installs it")
    folder = tmp_path_factory.mktemp("nginx")
    lab, port = Lab(folder / "lab"), free_port()
    lab.set_up()
    with tempfile.TemporaryDirectory(dir="/tmp") as short:  # a socket's path is short
        socket = Path(short) / "http.sock"
        with lab.config.open("a", encoding="utf-8") as config:
            config.write(f'\n[http.proxy]\nunix-socket = "{socket}"\n')
        lab.start()
        text = NGINX.format(
            user="user root;" if os.getuid() == 0 else "",
            folder=folder,
            port=port,
            socket=socket,
            certificate=lab.folder / "certs" / "tls.pem",
            key=lab.folder / "secrets" / "tls.key",
            anchors=lab.folder / "trust" / "root.pem",
        )
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            found = Proxied(lab, port, folder)
            try:
                until(lambda: process.poll() is None and (folder / "nginx.pid").exists(), what="nginx")
                yield found
            finally:
                process.terminate()
                process.wait(30)
        assert lab.stop() == 0


def test_a_certificate_is_renewed_by_who_shows_it_to_nginx(proxied: Proxied) -> None:
    made = proxied.lab.run("cmp", "secret", "create", "--json")
    given = json.loads(made.stdout)
    key, post = proxied.request("first")
    who = ("-u", f"{given['reference']}:{given['secret']}")
    status, answer = proxied.est("simpleenroll", *who, *post)
    assert status == 200, answer
    first = proxied.certificate(answer, "first")

    _, again = proxied.request("second")
    assert proxied.est("simplereenroll", *again)[0] == 401  # nothing shown

    # A header that the client writes itself counts neither through nginx nor beside it.
    forged = ("-H", f"Client-Cert: {quote(first.read_text(encoding='utf-8'))}")
    assert proxied.est("simplereenroll", *forged, *again)[0] == 401
    assert proxied.est("simplereenroll", *forged, *again, port=proxied.lab.tls_port)[0] == 401

    trust = proxied.lab.folder / "trust"
    shown = proxied.folder / "shown.pem"
    shown.write_bytes(first.read_bytes() + (trust / "issuing.pem").read_bytes())
    mine = ("--cert", shown, "--key", key)
    status, answer = proxied.est("simplereenroll", *mine, *again)
    assert status == 200, answer
    second = proxied.certificate(answer, "second")
    said = openssl("verify", "-CAfile", trust / "root.pem", "-untrusted", trust / "issuing.pem", second)
    assert said.endswith(": OK\n")

    # What was revoked renews nothing, although nginx still lets it in.
    der = proxied.folder / "first.x509"
    openssl("x509", "-in", first, "-outform", "DER", "-out", der)
    proxied.lab.run(
        "certificate", "revoke", serial_of(der.read_bytes()), "--reason", "superseded", *CONFIRMED
    )
    status, answer = proxied.est("simplereenroll", *mine, *again)
    assert (status, b"revoked" in answer) == (403, True)

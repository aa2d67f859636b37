"""certbot, acme-client and dehydrated: certificates of a laboratory, which OpenSSL then looks at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from acme_laboratory import DOMAIN, AcmeLab, acme_laboratory
from cryptography import x509
from laboratory import openssl

from trustworks.issuance.model import serial_hex

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIRMED = ("--confirmed-how", "called back")
ROOT = Path(__file__).resolve().parents[2]
NODE_PACKAGES = ROOT / ".venv" / "node"
pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("acme-clients")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AcmeLab]:
    with acme_laboratory(tmp_path_factory.mktemp("acme")) as found:
        yield found


class Certbot:
    """certbot with folders of its own."""

    def __init__(self, served: AcmeLab, folder: Path) -> None:
        self.served = served
        self.folder = folder
        program = Path(sys.executable).with_name("certbot")
        self.program = str(program) if program.exists() else shutil.which("certbot")
        if self.program is None:
            pytest.skip("NOT TESTED, because certbot is missing; `make setup` installs it")

    def __call__(self, *arguments: str, check: bool = True) -> str:
        folders = [
            word for name in ("config", "work", "logs") for word in (f"--{name}-dir", str(self.folder / name))
        ]
        assert self.program is not None
        done = subprocess.run(
            [self.program, *arguments, "-n", *folders],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            env={**os.environ, "REQUESTS_CA_BUNDLE": str(self.served.root)},
        )
        said = done.stdout + done.stderr
        assert not check or done.returncode == 0, said
        return said

    def order(self, *names: str, check: bool = True, more: tuple[str, ...] = ()) -> str:
        domains = [word for name in names for word in ("-d", name)]
        return self(
            *("certonly", "--agree-tos", "--register-unsafely-without-email"),
            *("--server", self.served.directory, *more, *domains),
            check=check,
        )

    def standalone(self, *names: str, check: bool = True, more: tuple[str, ...] = ()) -> str:
        port = ("--standalone", "--http-01-port", str(self.served.http_port))
        return self.order(*names, check=check, more=(*port, *more))

    def bound(self) -> tuple[str, ...]:
        key = self.served.external_key()
        # A key may begin with "-".
        return ("--eab-kid", key["kid"], f"--eab-hmac-key={key['hmac_key']}")

    def file(self, name: str, what: str = "cert") -> Path:
        return self.folder / "config" / "live" / name / f"{what}.pem"

    def serial(self, name: str) -> str:
        return serial_hex(x509.load_pem_x509_certificate(self.file(name).read_bytes()).serial_number)

    def verified(self, name: str) -> str:
        chain = self.file(name, "chain")
        return openssl("verify", "-CAfile", self.served.root, "-untrusted", chain, self.file(name))


@pytest.fixture(scope="module")
def certbot(served: AcmeLab, tmp_path_factory: pytest.TempPathFactory) -> Certbot:
    """certbot with an account."""
    found = Certbot(served, tmp_path_factory.mktemp("certbot"))
    found.standalone(f"www.{DOMAIN}", more=found.bound())
    return found


def test_certbot_gets_a_certificate_that_openssl_verifies(served: AcmeLab, certbot: Certbot) -> None:
    name = f"www.{DOMAIN}"
    assert ": OK" in certbot.verified(name)
    text = openssl("x509", "-noout", "-text", "-in", certbot.file(name))
    assert f"DNS:{name}" in text
    assert "Policy: 0.4.0.2042.1.6" in text
    issuing = served.lab.folder / "trust" / "issuing.pem"
    status = openssl(
        *("ocsp", "-CAfile", served.root, "-issuer", issuing, "-cert", certbot.file(name)),
        *("-url", f"{served.lab.url}/ocsp"),
    )
    assert "cert.pem: good" in status


def test_certbot_renews_what_the_server_says_is_to_be_renewed(served: AcmeLab, certbot: Certbot) -> None:
    name = f"two.{DOMAIN}"
    certbot.standalone(name)
    first = certbot.serial(name)
    # The server's suggestion for a revoked certificate has passed (RFC 9773): certbot follows it.
    served.lab.run("certificate", "revoke", first, "--reason", "superseded", *CONFIRMED)
    certbot("renew", "--cert-name", name, "--no-random-sleep-on-renew")
    second = certbot.serial(name)
    assert second != first
    assert ": OK" in certbot.verified(name)
    assert "not yet due" in certbot("renew", "--cert-name", name)
    assert certbot.serial(name) == second


def test_certbot_shows_a_wildcard_by_dns(served: AcmeLab, certbot: Certbot) -> None:
    hook = served.records.parent / "hook.sh"
    hook.write_text(
        f'#!/bin/sh\necho "$CERTBOT_VALIDATION" >> "{served.records}/_acme-challenge.$CERTBOT_DOMAIN"\n',
        encoding="utf-8",
    )
    hook.chmod(0o755)
    manual = ("--manual", "--preferred-challenges", "dns", "--manual-auth-hook", str(hook))
    certbot.order(f"*.{DOMAIN}", DOMAIN, more=manual)
    assert ": OK" in certbot.verified(DOMAIN)
    text = openssl("x509", "-noout", "-text", "-in", certbot.file(DOMAIN))
    assert f"DNS:*.{DOMAIN}, DNS:{DOMAIN}" in text


def test_certbot_chooses_a_profile(certbot: Certbot) -> None:
    name = f"alpn.{DOMAIN}"
    certbot.standalone(name, more=("--required-profile", "tls-server-dv-short"))
    found = x509.load_pem_x509_certificate(certbot.file(name).read_bytes())
    assert (found.not_valid_after_utc - found.not_valid_before_utc).days == 5
    said = certbot.standalone(name, more=("--required-profile", "tls-server", "--force-renewal"), check=False)
    assert "profile" in said


def test_certbot_revokes_by_account_and_by_the_certificates_key(served: AcmeLab, certbot: Certbot) -> None:
    for number, by_key in enumerate((False, True)):
        name = ("www", "js")[number] + f".{DOMAIN}"
        certbot.standalone(name, more=("--force-renewal", "--cert-name", f"revoked-{number}"))
        cert = certbot.file(f"revoked-{number}")
        serial = certbot.serial(f"revoked-{number}")
        keys = ("--key-path", str(certbot.file(f"revoked-{number}", "privkey"))) if by_key else ()
        certbot(
            *("revoke", "--server", served.directory, "--cert-path", str(cert), *keys),
            *("--reason", "keycompromise" if by_key else "superseded", "--no-delete-after-revoke"),
        )
        shown = json.loads(served.lab.run("certificate", "show", serial, "--json").stdout)
        assert shown["reason"] == ("keyCompromise" if by_key else "superseded")


def test_without_a_binding_certbot_gets_no_account(served: AcmeLab, tmp_path: Path) -> None:
    before = served.orders()
    said = Certbot(served, tmp_path).standalone(f"bound.{DOMAIN}", check=False)
    assert "external" in said.lower()
    wrong = ("--eab-kid", "unknown", "--eab-hmac-key", "A" * 43)
    said = Certbot(served, tmp_path / "wrong").standalone(f"bound.{DOMAIN}", more=wrong, check=False)
    assert "unknown or was withdrawn" in said
    assert served.orders() == before


def test_certbot_is_told_why_a_name_is_not_validated(certbot: Certbot) -> None:
    said = certbot.standalone("nowhere.example.test", check=False)
    assert "DNS has no address" in said


def test_certbot_closes_its_account(served: AcmeLab, tmp_path: Path) -> None:
    own = Certbot(served, tmp_path)
    own("register", "--agree-tos", "-m", "ops@example.com", "--no-eff-email",
        "--server", served.directory, *own.bound())  # fmt: skip
    own("update_account", "-m", "other@example.com", "--no-eff-email", "--server", served.directory)
    listed = json.loads(served.lab.run("acme", "account", "list", "--json").stdout)
    assert listed[0]["contact"] == ["mailto:other@example.com"]
    own("unregister", "--server", served.directory)
    listed = json.loads(served.lab.run("acme", "account", "list", "--json").stdout)
    assert (listed[0]["status"], listed[0]["contact"]) == ("deactivated", [])


def test_acme_client_does_all_of_it(served: AcmeLab) -> None:
    node = shutil.which("node")
    if node is None or not (NODE_PACKAGES / "node_modules" / "acme-client").is_dir():
        pytest.skip("NOT TESTED, because node or acme-client is missing; `tools/setup tests` installs them")
    key = served.external_key()
    done = subprocess.run(
        [node, ROOT / "tests" / "interop" / "node" / "acme.mjs"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={
            **os.environ,
            "NODE_EXTRA_CA_CERTS": str(served.root),
            "NODE_PACKAGES": str(NODE_PACKAGES),
            "DIRECTORY": served.directory,
            "HTTP_PORT": str(served.http_port),
            "NAME": f"js.{DOMAIN}",
            "KID": key["kid"],
            "HMAC_KEY": key["hmac_key"],
        },
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads(done.stdout)
    leaf, issuing = x509.load_pem_x509_certificates(told["pem"].encode())
    leaf.verify_directly_issued_by(issuing)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [f"js.{DOMAIN}", f"two.js.{DOMAIN}"]
    assert told["reused"] == "ready"
    assert told["wildcard"] == ["dns-01"]
    assert (told["deactivated"], told["closed"]) == ("deactivated", "deactivated")
    assert "revoked already" in told["again"]
    serial = serial_hex(leaf.serial_number)
    assert json.loads(served.lab.run("certificate", "show", serial, "--json").stdout)["reason"] == (
        "superseded"
    )


def test_certbot_gets_a_certificate_for_an_address(certbot: Certbot) -> None:
    certbot.standalone(more=("--ip-address", "127.0.0.1", "--cert-name", "address"))
    assert ": OK" in certbot.verified("address")
    text = openssl("x509", "-noout", "-text", "-in", certbot.file("address"))
    assert "IP Address:127.0.0.1" in text
    assert "DNS:" not in text


class Files(SimpleHTTPRequestHandler):
    """The files of `http-01`, as a web server gives them."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_dehydrated_issues_renews_and_revokes(served: AcmeLab, tmp_path: Path) -> None:
    """A client in shell, by curl and OpenSSL alone: it shares no code with the others."""
    program = shutil.which("dehydrated")
    if program is None:
        pytest.skip("NOT TESTED, because dehydrated is missing; `tools/setup tests` installs it")
    name, key = f"js.{DOMAIN}", served.external_key()
    shown = tmp_path / "web" / ".well-known" / "acme-challenge"
    shown.mkdir(parents=True)
    (tmp_path / "domains.txt").write_text(f"{name} two.{name}\n", encoding="utf-8")
    (tmp_path / "config").write_text(
        f"CA={served.directory}\nBASEDIR={tmp_path}\nWELLKNOWN={shown}\nCURL_OPTS='--cacert {served.root}'\n"
        f"EAB_KID={key['kid']}\nEAB_HMAC_KEY={key['hmac_key']}\nKEY_ALGO=secp384r1\nLOCKFILE={tmp_path}/lock\n",
        encoding="utf-8",
    )

    def dehydrated(*options: str) -> str:
        command = [program, "--config", str(tmp_path / "config"), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def certificate() -> x509.Certificate:
        return x509.load_pem_x509_certificate((tmp_path / "certs" / name / "cert.pem").read_bytes())

    handler = partial(Files, directory=str(tmp_path / "web"))
    with ThreadingHTTPServer(("127.0.0.1", served.http_port), handler) as web:
        thread = threading.Thread(target=web.serve_forever, daemon=True)
        thread.start()
        dehydrated("--register", "--accept-terms")
        dehydrated("--cron")
        first = certificate()
        chain = tmp_path / "certs" / name / "chain.pem"
        leaf = tmp_path / "certs" / name / "cert.pem"
        assert ": OK" in openssl("verify", "-CAfile", served.root, "-untrusted", chain, leaf)
        assert "Skipping renew" in dehydrated("--cron")
        dehydrated("--cron", "--force")
        second = certificate()
        assert second.serial_number != first.serial_number
        web.shutdown()
        thread.join()
    dehydrated("--revoke", str(leaf.resolve()))
    shown_now = served.lab.run("certificate", "show", serial_hex(second.serial_number), "--json").stdout
    assert json.loads(shown_now)["reason"] == "unspecified"
    dehydrated("--account")
    dehydrated("--deactivate")

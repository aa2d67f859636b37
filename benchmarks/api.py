"""Certificates per second through the JSON API of a laboratory, as an integrator would ask for them.

    python benchmarks/api.py [--seconds 10] [--connections 32] [--requests 6000]

The laboratory is this product as `make run` serves it: lints, durable records and audit, P-256 issuing key in
SoftHSM2. A process of its own asks over kept connections, every request with a key of its own whose proof of
possession was made before. The reference, in the same run: a bare C_Sign loop on the issuing key, which is
what the module alone could do. Exit code 1 below 600 certificates per second.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from module_sign import bare_loop  # type: ignore[import-not-found] # the script beside this one
from startup import free_port  # type: ignore[import-not-found] # as above

from trustworks.app.wiring import Wiring

TRUSTWORKS = Path(sys.executable).with_name("trustworks")
TARGET = 600.0


def request_body() -> bytes:
    """A request for a web server's certificate, by a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    return json.dumps(
        {
            "profile": "tls-server",
            "csr": csr.public_bytes(Encoding.PEM).decode("ascii"),
            "subject": {"commonName": "TEST server"},
            "alternative_names": ["DNS:tsp.example.com"],
        }
    ).encode()


def load(out: Any, *, port: int, token: str, bodies: list[bytes], connections: int, seconds: float) -> None:
    """Ask over `connections` until the time is over or no request is left; answer counts and latencies."""
    left, lock = iter(bodies), threading.Lock()
    latencies: list[float] = []
    failures: list[str] = []
    end = time.perf_counter() + seconds
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() < end:
            with lock:
                body = next(left, None)
            if body is None:
                return
            began = time.perf_counter()
            connection.request("POST", "/api/v1/certificates", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 201:
                latencies.append(time.perf_counter() - began)
            else:
                failures.append(text.decode(errors="replace")[:200])

    threads = [threading.Thread(target=one) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.put((len(latencies) / (time.perf_counter() - began), sorted(latencies), failures))


def measured(out: Any, asked: dict[str, Any]) -> tuple[float, list[float], list[str]]:
    """What `load` found, in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=load, args=(out,), kwargs=asked)
    process.start()
    found: tuple[float, list[float], list[str]] = out.get()
    process.join()
    return found


def signed_in(folder: Path, port: int) -> str:
    """A client's token."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "benchmark TEST")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    pem, secret, file = folder / "client.pem", folder / "client.secret", folder / "client.key"
    pem.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    options = ("--certificate", str(pem), "--profile", "tls-server")
    made = trustworks(folder, "api", "client", "create", "bench", *options)
    secret.write_text(json.loads(made)["secret"], encoding="ascii")
    url = f"http://127.0.0.1:{port}/api/v1"
    done = subprocess.run(
        [
            *(str(TRUSTWORKS), "api", "sign-in", "--url", url, "--client", "bench"),
            *("--key", str(file), "--secret-file", str(secret)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def trustworks(folder: Path, *arguments: str) -> str:
    """What a command on the laboratory prints in JSON."""
    command = [str(TRUSTWORKS), "--config", str(folder / "lab" / "trustworks.toml"), *arguments, "--json"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--requests", type=int, default=6000)
    given = parser.parse_args()
    bodies = [request_body() for _ in range(given.requests)]
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        command = [str(TRUSTWORKS), "lab", "--dir", str(folder / "lab"), "--listen", f"127.0.0.1:{port}"]
        lab = subprocess.Popen(
            [*command, "--tls-listen", f"127.0.0.1:{free_port()}"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert lab.stdout is not None
            while "is up" not in (line := lab.stdout.readline()):
                assert line, "the laboratory ended"
            threading.Thread(target=lab.stdout.read, daemon=True).start()
            token = signed_in(folder, port)
            out: Any = multiprocessing.get_context("spawn").Queue()
            asked = {"port": port, "token": token, "connections": given.connections}
            measured(out, {**asked, "bodies": bodies[:100], "seconds": 5.0})  # until all is warm
            rate, latencies, failures = measured(
                out, {**asked, "bodies": bodies[100:], "seconds": given.seconds}
            )
        finally:
            lab.terminate()
            lab.wait()
        with Wiring(folder / "lab" / "trustworks.toml").open_module("issuing") as module:
            bare = bare_loop(module, module.key("issuing"), 2.0)
    assert not failures, failures[0]
    kept = "kept" if rate >= TARGET else "MISSED"
    print(f"{'certificates per second':<34}{rate:>10,.0f}   target {TARGET:,.0f}: {kept}")
    print(f"{'of the bare C_Sign rate':<34}{rate / bare:>10.3f}   ({bare:,.0f} per second)")
    middle, late = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    print(f"{'latency, median and 99 of 100':<34}{middle * 1000:>10.1f} ms {late * 1000:.1f} ms")
    sys.exit(rate < TARGET)


if __name__ == "__main__":
    main()

"""Certificates per second through the JSON API of a laboratory, as an integrator would ask for them.

    python benchmarks/api.py [--seconds 10] [--connections 32] [--requests 6000]

The laboratory is this product as `make run` serves it: lints, durable records and audit, P-256 issuing key in
SoftHSM2. A process of its own asks over kept connections, every request with a key of its own whose proof of
possession was made before. The reference, in the same run: a bare C_Sign loop on the issuing key, which is
what the module alone could do. On a machine that does other things as well the processor time tells more
than the rate: the laboratory's, all of its processes, beside the client's, which elsewhere would be on a
machine of its own. Exit code 1 below 600 certificates per second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

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


class Asking(asyncio.Protocol):
    """One kept connection that asks, reads the answer, and asks again; as cheap as a client can be."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        request = self._load.next()
        if request is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take what came of an answer; when it is whole, ask again."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        (length,) = (
            int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"
        )
        if len(body) < length:
            return
        self._received = b""
        if head.startswith(b"HTTP/1.1 201"):
            self._load.latencies.append(time.perf_counter() - self._began)
        else:
            self._load.failures.append(body.decode(errors="replace")[:200])
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that this connection is over."""
        self._load.left(exc)


class Load:
    """What all connections ask, and what came of it."""

    def __init__(self, requests: list[bytes], connections: int, seconds: float) -> None:
        self.latencies: list[float] = []
        self.failures: list[str] = []
        self._requests = iter(requests)
        self._open = connections
        self._end = time.perf_counter() + seconds
        self.done = asyncio.Event()

    def next(self) -> bytes | None:
        """The next request; None when the time is over or none is left."""
        return next(self._requests, None) if time.perf_counter() < self._end else None

    def left(self, error: Exception | None) -> None:
        """A connection was closed."""
        if error is not None:
            self.failures.append(str(error))
        self._open -= 1
        if not self._open:
            self.done.set()


@dataclass(frozen=True)
class Found:
    """What a load measured: a rate, sorted latencies, what failed, the client's own processor time."""

    rate: float
    latencies: list[float]
    failures: list[str]
    cpu: float


async def ask(requests: list[bytes], *, port: int, connections: int, seconds: float) -> Found:
    """Ask over `connections` until the time is over or no request is left."""
    load, began, cpu = Load(requests, connections, seconds), time.perf_counter(), time.process_time()
    for _ in range(connections):
        await asyncio.get_running_loop().create_connection(lambda: Asking(load), "127.0.0.1", port)
    await load.done.wait()
    took = time.perf_counter() - began
    return Found(len(load.latencies) / took, sorted(load.latencies), load.failures, time.process_time() - cpu)


def load(out: Any, *, port: int, token: str, bodies: list[bytes], connections: int, seconds: float) -> None:
    """The client, in a process of its own."""
    requests = [
        b"POST /api/v1/certificates HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
        for body in bodies
    ]
    out.put(asyncio.run(ask(requests, port=port, connections=connections, seconds=seconds)))


def measured(out: Any, asked: dict[str, Any]) -> Found:
    """What `load` found."""
    process = multiprocessing.get_context("spawn").Process(target=load, args=(out,), kwargs=asked)
    process.start()
    found: Found = out.get()
    process.join()
    return found


def processor_time(above: int) -> float:
    """The seconds of processor time that the living processes below one, and itself, have used."""
    parents, used = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            process = int(stat.parent.name)
            parents[process], used[process] = int(fields[1]), int(fields[11]) + int(fields[12])
    family, found = {above}, {above}
    while found:
        found = {process for process, parent in parents.items() if parent in found}
        family |= found
    return sum(used[process] for process in family) / os.sysconf("SC_CLK_TCK")


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
            before = processor_time(lab.pid)
            found = measured(out, {**asked, "bodies": bodies[100:], "seconds": given.seconds})
            used = processor_time(lab.pid) - before
        finally:
            lab.terminate()
            lab.wait()
        with Wiring(folder / "lab" / "trustworks.toml").open_module("issuing") as module:
            bare = bare_loop(module, module.key("issuing"), 2.0)
    assert not found.failures, found.failures[0]
    kept = "kept" if found.rate >= TARGET else "MISSED"
    latencies, count = found.latencies, len(found.latencies)
    print(f"{'certificates per second':<34}{found.rate:>10,.0f}   target {TARGET:,.0f}: {kept}")
    print(f"{'of the bare C_Sign rate':<34}{found.rate / bare:>10.3f}   ({bare:,.0f} per second)")
    middle, late = latencies[count // 2], latencies[count * 99 // 100]
    print(f"{'latency, median and 99 of 100':<34}{middle * 1000:>10.1f} ms {late * 1000:.1f} ms")
    each = used / count * 1e6
    print(
        f"{'CPU microseconds of a certificate':<34}{each:>10,.0f}   (two cores alone: {2e6 / each:,.0f} /s)"
    )
    print(f"{'the client beside it':<34}{found.cpu / count * 1e6:>10,.0f}")
    sys.exit(found.rate < TARGET)


if __name__ == "__main__":
    main()

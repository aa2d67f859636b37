"""Tokens per second over HTTP, beside a bare C_Sign loop and `openssl ts -reply`, all in the same run.

    python benchmarks/timestamping.py [--seconds 5] [--connections 16] [--many 64] [--peer URL] [--json]

A laboratory is set up in a temporary folder and served as `trustworks serve` does, first by one worker, then
by two: P-256 key in SoftHSM2, every signature verified, record and audit event durable before each answer.
`wrk` asks (Debian package wrk) over keep-alive connections, for certificates and with a nonce; its own
processor time is told apart from the workers'. Latency is measured with --connections, throughput with
--many: an answer waits for the disk, and only connections that do not wait for each other keep the processor
busy meanwhile. One worker uses more than one core (its writer and its connections have threads of their own),
so workers are also measured with a core each. With --peer another authority is loaded in turn, with the same
requests. The rounds of all contestants alternate, and the best round of each counts, so that whatever else
the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from _served import processes_of  # type: ignore[import-not-found] # the script beside this one
from module_sign import bare_loop  # type: ignore[import-not-found] # the script beside this one

from trustworks.core.module import Module, ModuleSettings, Pkcs11Uri
from trustworks.timestamping import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

TICK = os.sysconf("SC_CLK_TCK")
SHARE_OF_BARE = 0.25
TWO_WORKERS = 1.5
CPU_US = 220
P99_MS = 25
TIMES_OPENSSL = 40
FEW = "one worker, few connections"
ONE_CORE, CORE_EACH = "one worker on one core", "two workers, a core each"


@dataclass
class Round:
    """One run of the load generator."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None
    load_cpu_us: float
    failed: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def lab(folder: Path, port: int) -> None:
    subprocess.run(
        command("lab", "--dir", str(folder), "--listen", f"127.0.0.1:{port}", "--setup-only"),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "trustworks"), *arguments]


@contextmanager
def served(folder: Path, port: int, workers: int) -> Iterator[list[int]]:
    """Serve the laboratory; gives the process ids of the plain HTTP workers."""
    text = (folder / "trustworks.toml").read_text(encoding="utf-8")
    text = re.sub(r"\nworkers = \d+", "", text).replace("[http]\n", f"[http]\nworkers = {workers}\n")
    (folder / "trustworks.toml").write_text(text, encoding="utf-8")
    server = subprocess.Popen(
        command("--config", str(folder / "trustworks.toml"), "serve"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield [pid for name, pid in processes_of(server.pid).items() if name.startswith("http-")]
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def pin(processes: list[int]) -> None:
    """Let each process have one core, and all its threads the same."""
    cores = sorted(os.sched_getaffinity(0))
    for number, process in enumerate(processes):
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {cores[number % len(cores)]})


def cpu_of(processes: list[int]) -> float:
    """Seconds of processor time that these processes used."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


SCRIPT = """
local file = io.open("QUERY", "rb"); wrk.body = file:read("*a"); file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/timestamp-query"
local failed = 0
function response(status, headers, body)
  -- granted: SEQUENCE (two octets of length) { SEQUENCE { INTEGER 0 } ...
  if status ~= 200 or body:sub(5, 9) ~= string.char(0x30, 3, 2, 1, 0) then failed = failed + 1 end
  count = failed
end
function setup(thread) threads = threads or {}; table.insert(threads, thread) end
function done(summary, latency)
  local failed = 0
  for _, thread in ipairs(threads) do failed = failed + (thread:get("count") or 0) end
  io.write(string.format("RESULT %d %d %f %f %d\\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    failed + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def load(url: str, folder: Path, processes: list[int], seconds: float, connections: int) -> Round:
    query = folder / "bench.tsq"
    query.write_bytes(wire.encode_request(secrets.token_bytes(32), "sha256", nonce=secrets.randbits(64)))
    script = folder / "bench.lua"
    script.write_text(SCRIPT.replace("QUERY", str(query)), encoding="ascii")
    before, own = cpu_of(processes), resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script), url],
        check=True,
        capture_output=True,
        text=True,
    )
    after, then = cpu_of(processes), resource.getrusage(resource.RUSAGE_CHILDREN)
    numbers = next(line for line in result.stdout.splitlines() if line.startswith("RESULT")).split()[1:]
    requests, micros = int(numbers[0]), int(numbers[1])
    spent = then.ru_utime + then.ru_stime - own.ru_utime - own.ru_stime
    return Round(
        per_second=requests / micros * 1e6,
        p50_ms=float(numbers[2]),
        p99_ms=float(numbers[3]),
        cpu_us=(after - before) / requests * 1e6 if processes else None,
        load_cpu_us=spent / requests * 1e6,
        failed=int(numbers[4]),
    )


def bare(folder: Path, seconds: float) -> float:
    """C_Sign per second, by the token's own key in one thread, without verification."""
    uri = Pkcs11Uri.parse(f"pkcs11:token=tsu?pin-source=file:{folder / 'secrets/tsu.pin'}")
    settings = ModuleSettings.model_validate({"softhsm2-conf": str(folder / "softhsm2.conf")})
    with Module.open(uri, lab=True, settings=settings, base=folder) as module:
        rate: float = bare_loop(module, module.key("tsu-1"), seconds)
        return rate


def openssl_reply(folder: Path, seconds: float) -> float:
    """Tokens per second of `openssl ts -reply`, a process for each, with a P-256 key in a file."""
    own = folder / "openssl"
    own.mkdir(exist_ok=True)
    run = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run += ["-keyout", str(own / "key.pem"), "-out", str(own / "tsa.pem"), "-subj", "/CN=TEST", "-days", "9"]
    run += ["-addext", "extendedKeyUsage=critical,timeStamping"]
    subprocess.run(run, check=True, capture_output=True)
    (own / "serial").write_text("01\n", encoding="ascii")
    (own / "tsa.cnf").write_text(
        f"[tsa]\nserial={own}/serial\nsigner_cert={own}/tsa.pem\nsigner_key={own}/key.pem\n"
        "signer_digest=sha256\ndefault_policy=2.999.1\ndigests=sha256\naccuracy=secs:1\ness_cert_id_alg=sha256\n",
        encoding="ascii",
    )
    query = own / "q.tsq"
    query.write_bytes(wire.encode_request(secrets.token_bytes(32), "sha256", nonce=5))
    run = ["openssl", "ts", "-reply", "-config", str(own / "tsa.cnf"), "-section", "tsa"]
    run += ["-queryfile", str(query), "-out", str(own / "r.tsr")]
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        subprocess.run(run, check=True, capture_output=True)
        count += 1
    return count / (time.perf_counter() - began)


def best(rounds: list[Round]) -> Round:
    """The round with the most tokens; the least processor time and latency are taken from any round."""
    found = max(rounds, key=lambda one: one.per_second)
    cpu = [one.cpu_us for one in rounds if one.cpu_us is not None]
    return Round(
        per_second=found.per_second,
        p50_ms=min(one.p50_ms for one in rounds),
        p99_ms=min(one.p99_ms for one in rounds),
        cpu_us=min(cpu) if cpu else None,
        load_cpu_us=found.load_cpu_us,
        failed=sum(one.failed for one in rounds),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16, help="when latency is measured")
    parser.add_argument("--many", type=int, default=64, help="connections when throughput is measured")
    parser.add_argument("--peer", help="the address of another authority")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("The load generator wrk is not installed (Debian: apt-get install wrk).")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name) / "lab", free_port()
        lab(folder, port)
        url = f"http://127.0.0.1:{port}/tsa"
        signs, replies = [], []
        labels = ("one worker", FEW, ONE_CORE, "two workers", CORE_EACH)
        rounds: dict[str, list[Round]] = {label: [] for label in labels}
        for _ in range(given.rounds):
            signs.append(bare(folder, given.seconds / 2))
            replies.append(openssl_reply(folder, given.seconds / 2))
            for workers, label, pinned in ((1, "one worker", ONE_CORE), (2, "two workers", CORE_EACH)):
                with served(folder, port, workers) as processes:
                    load(url, folder, processes, 1, given.connections)  # warm
                    rounds[label].append(load(url, folder, processes, given.seconds, given.many))
                    if workers == 1:
                        rounds[FEW].append(load(url, folder, processes, given.seconds, given.connections))
                    pin(processes)
                    rounds[pinned].append(load(url, folder, processes, given.seconds, given.many))
            if given.peer:
                rounds.setdefault("peer", []).append(load(given.peer, folder, [], given.seconds, given.many))
        found = {label: best(every) for label, every in rounds.items()}
    return report(found, max(signs), max(replies), as_json=given.json)


def report(found: dict[str, Round], signs: float, replies: float, *, as_json: bool) -> int:
    one, two = found["one worker"], found["two workers"]
    targets = {
        f"one worker >= {SHARE_OF_BARE} of bare C_Sign": (one.per_second / signs, SHARE_OF_BARE, True),
        f"two workers >= {TWO_WORKERS} times one": (two.per_second / one.per_second, TWO_WORKERS, True),
        f"two workers with a core each >= {TWO_WORKERS} times one on one core": (
            found[CORE_EACH].per_second / found[ONE_CORE].per_second,
            TWO_WORKERS,
            True,
        ),
        f"processor time of a token <= {CPU_US} us": (one.cpu_us or 0.0, CPU_US, False),
        f"p99 <= {P99_MS} ms": (found[FEW].p99_ms, P99_MS, False),
        f">= {TIMES_OPENSSL} times openssl ts -reply": (one.per_second / replies, TIMES_OPENSSL, True),
    }
    kept = {
        name: (value >= limit) == more for name, (value, limit, more) in targets.items() if value != limit
    }
    if as_json:
        figures = {label: asdict(figure) for label, figure in found.items()}
        print(json.dumps({"bare C_Sign": signs, "openssl ts -reply": replies, **figures, "kept": kept}))
        return int(not all(kept.values()))
    print(f"{'bare C_Sign loop, one thread':<32} {signs:>10,.0f} per second")
    print(f"{'openssl ts -reply, a process each':<32} {replies:>10,.0f} per second")
    for label, figure in found.items():
        cpu = "" if figure.cpu_us is None else f", {figure.cpu_us:.0f} us of processor time"
        print(
            f"{label:<32} {figure.per_second:>10,.0f} per second, p50 {figure.p50_ms:.1f} ms, "
            f"p99 {figure.p99_ms:.1f} ms{cpu} (load generator: {figure.load_cpu_us:.0f} us), "
            f"{figure.failed} failed"
        )
    for name, (value, _, _) in targets.items():
        print(f"{'kept' if kept[name] else 'MISSED':<7} {name}: {value:.2f}")
    return int(not all(kept.values()))


if __name__ == "__main__":
    sys.exit(main())

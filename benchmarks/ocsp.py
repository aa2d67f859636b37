"""OCSP answers per second of one thread, beside what else one could do with the same key.

    python benchmarks/ocsp.py [--seconds 2]

The key is P-256 on a token of SoftHSM2, the database SQLite. All are measured in turn in the same run:

* bare C_Sign: the module alone, no verification, nothing encoded;
* OCSPResponseBuilder of `cryptography` with the same key: no request read, no database, no check of its own;
* Responder, signed: a request with a nonce, so that every answer is signed, verified and checked;
* Responder, again: the same request without nonce, whose answer is kept; the database is looked at five times
  a second;
* HTTP edge, POST and GET: the same through the handlers that a worker calls, without sockets.

Both the rate that was seen and the rate for a second of processor time are told: on a machine that does other
things too, the second is the comparable one. Exit code 1 when answers that are given again are fewer than
15,000 a second of processor time, or signed ones fewer than 0.3 of the bare C_Sign.
"""

# The tests' provider is found once its folder is on the path; SHA-1 identifies; the module is called bare.
# ruff: noqa: PLC0415, S303, SLF001

from __future__ import annotations

import argparse
import base64
import os
import secrets
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from status_provider import Provider

ROOT = Path(__file__).resolve().parent.parent
WANTED = 0.3
AGAIN = 15_000
ROUNDS = 5
BARE = "bare C_Sign (reference)"
BUILDER = "OCSPResponseBuilder (reference)"


def provider(folder: Path, stack: ExitStack) -> Provider:
    """The provider of the tests, in a folder of its own."""
    sys.path.insert(0, str(ROOT / "tests" / "plugins"))
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n", encoding="utf-8")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")

    from status_provider import Provider, TestClock

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Module, Pkcs11Uri, find_library, initialise_token
    from trustworks.core.store import Database, StoreSettings
    from trustworks.issuance.config import IssuanceSettings

    pin = secrets.token_urlsafe(18)
    file = folder / "pin"
    file.touch(mode=0o600)
    file.write_text(pin, encoding="ascii")
    library = find_library()
    initialise_token(library, label="bench", so_pin=secrets.token_urlsafe(18), user_pin=pin, lab=False)
    uri = Pkcs11Uri.parse(f"pkcs11:token=bench?pin-source=file:{file}")
    module = stack.enter_context(Module.open(uri, library=library, read_write=True, lab=True))
    settings = StoreSettings.model_validate({"url": f"sqlite:///{folder / 'bench.sqlite'}"})
    database = stack.enter_context(Database.open(settings))
    database.upgrade()
    recorder = stack.enter_context(Recorder.open(database, "bench"))
    return Provider(
        module=module,
        database=database,
        recorder=recorder,
        clock=TestClock(utc=datetime.now(UTC)),
        settings=IssuanceSettings.model_validate({}),
    ).set_up()


def contestants(given: Provider) -> dict[str, Callable[[], Any]]:
    """What is measured: each makes one answer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509 import ocsp

    from trustworks.core.http import RawRequest
    from trustworks.issuance.http.status import Edge
    from trustworks.issuance.status import StatusServices
    from trustworks.issuance.status.ocsp import LOOK_EVERY

    certificate, issuer = given.issue(), given.certificates["issuing"]
    signer = given.signer_certificate
    assert signer is not None
    key = given.keys["ocsp"]
    private, now = key.private_key(), given.clock.utc
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())
    plain = builder.build().public_bytes(serialization.Encoding.DER)
    nonced = (
        builder.add_extension(x509.OCSPNonce(b"n" * 32), critical=False)
        .build()
        .public_bytes(serialization.Encoding.DER)
    )
    responder = given.responder(look_every=LOOK_EVERY, monotonic=time.monotonic)
    digest = sha256(plain).digest()

    def bare() -> bytes:
        return key._connection.sign(key._plan(None).mechanism, key._place, digest)

    def built() -> bytes:
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(certificate, issuer, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now, now, None, None)
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
            .certificates([signer])
            .sign(private, hashes.SHA256())
        )
        return response.public_bytes(serialization.Encoding.DER)

    edge = Edge(
        StatusServices(given.settings, database=given.database, clock=given.clock, responder=responder)
    )

    def through(method: str, path: str, body: bytes, handler: Callable[[Any], Any]) -> bytes:
        request = RawRequest(method=method, path=path, raw_path=path.encode(), headers={}, body=body)
        try:
            handler(request).send(None)
        except StopIteration as done:
            answer: bytes = done.value.body
            return answer
        raise RuntimeError("a handler with a quick key waits for nothing")

    path = "/ocsp/" + quote(base64.b64encode(plain).decode(), safe="")
    return {
        BARE: bare,
        BUILDER: built,
        "Responder, signed": lambda: responder.answer(nonced),
        "Responder, again": lambda: responder.answer(plain),
        "HTTP edge, POST": lambda: through("POST", "/ocsp", plain, edge.ocsp_by_post),
        "HTTP edge, GET": lambda: through("GET", path, b"", edge.ocsp_by_get),
    }


def rates(make: Callable[[], Any], seconds: float) -> tuple[float, float]:
    """Calls per second of processor time, and of time."""
    began, worked, made = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(50):
            make()
        made += 50
    return made / (time.process_time() - worked), made / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="For each contestant, over all rounds.")
    seconds = parser.parse_args().seconds / ROUNDS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measured = contestants(provider(Path(folder), stack))
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in measured}
        for _ in range(ROUNDS):  # in turn, so that whatever else the machine does falls on all of them
            for name, make in measured.items():
                found[name].append(rates(make, seconds))
        for name, rounds in found.items():
            worked, seen = max(rounds)
            print(f"{name:<34} {worked:>8,.0f} per second of processor time, {seen:>8,.0f} per second")
        best = {name: max(rounds)[0] for name, rounds in found.items()}
    share = best["Responder, signed"] / best[BARE]
    print(f"Responder, signed: {share:.2f} of {BARE}, limit {WANTED}")
    again = [name for name in best if name not in {BARE, BUILDER, "Responder, signed"}]
    for name in again:
        print(f"{name}: {best[name]:,.0f} per second of processor time, limit {AGAIN:,}")
    kept = share >= WANTED and all(best[name] >= AGAIN for name in again)
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())

"""How fast the module signs: a bare C_SignInit/C_Sign loop as reference, `Key.sign` in the same run.

    python benchmarks/module_sign.py [--seconds 1] [--json]

`Key.sign` includes the verification of every signature. "in turn" is the bare loop with the verification
after each signature and nothing else: what it costs beyond the sum of both is what the processor's caches
lose to the change between two OpenSSL libraries; what `Key.sign` costs beyond it is ours. The microseconds
are processor time (of the best of several rounds), so that a busy machine spoils them less than the rates.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustworks.core.module import (
    Key,
    KeyAlgorithm,
    Module,
    ModuleSettings,
    Pkcs11Uri,
    find_library,
    initialise_token,
)
from trustworks.core.module.pkcs11 import ffi

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = secrets.token_bytes(300)
ALGORITHMS = (KeyAlgorithm.P256, KeyAlgorithm.P384, KeyAlgorithm.RSA_3072)


def bare_loop(module: Module, key: Key, seconds: float) -> float:
    """Signatures per second of C_SignInit and C_Sign with the token's own key, in one thread, unverified."""
    return _rate(_bare(module, key), seconds)


def _bare(module: Module, key: Key) -> Callable[[], None]:
    key.sign(DATA)
    plan = key._plans[None]  # noqa: SLF001 - the reference makes the very calls that Key.sign makes
    signed = DATA if plan.digest is None else plan.digest(DATA).digest()
    prepared, mechanism = plan.prefix + signed, plan.mechanism.cdata
    sign_init, c_sign = module.cryptoki.c_sign_init, module.cryptoki.c_sign
    session = module.cryptoki.open_session(module.connection.slot, read_write=False)
    handle = module.private_handle(session, key.key_id)
    size = len(prepared)
    buffer, length = ffi.new("CK_BYTE[2048]"), ffi.new("CK_ULONG *")

    def once() -> None:
        assert sign_init(session, mechanism, handle) == 0
        length[0] = 2048
        assert c_sign(session, prepared, size, buffer, length) == 0

    return once


def _verification(key: Key) -> Callable[[], None]:
    signatures = itertools.cycle([key.sign(DATA) for _ in range(64)])  # one alone would be learnt by heart
    plan = key._plans[None]  # noqa: SLF001 - as above
    signed = DATA if plan.digest is None else plan.digest(DATA).digest()
    return lambda: plan.verify(next(signatures), signed, *plan.arguments)


def _rate(action: Callable[[], object], seconds: float) -> float:
    for _ in range(20):
        action()
    count, started = 0, time.perf_counter()
    end = started + seconds
    while (now := time.perf_counter()) < end:
        for _ in range(10):
            action()
        count += 10
    return count / (now - started)


def _cpu(action: Callable[[], object], seconds: float) -> float:
    """Microseconds of processor time of one call: the best of five rounds."""
    rounds = []
    for _ in range(5):
        count, started, end = 0, time.thread_time(), time.perf_counter() + seconds / 5
        while time.perf_counter() < end:
            for _ in range(10):
                action()
            count += 10
        rounds.append((time.thread_time() - started) / count * 1e6)
    return min(rounds)


def _threads(action: Callable[[], object], number: int, seconds: float) -> float:
    rates: list[float] = []
    threads = [threading.Thread(target=lambda: rates.append(_rate(action, seconds))) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)


def _processes(label: str, number: int, seconds: float, uri: str) -> float:
    """Each process opens the module, then waits, so that all of them measure at the same time."""
    children = [
        subprocess.Popen(
            [sys.executable, __file__, "--child", label, "--uri", uri, "--seconds", str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    return sum(float(child.communicate()[0]) for child in children)


def child(label: str, uri: str, seconds: float) -> None:
    with Module.open(Pkcs11Uri.parse(uri), lab=True) as module:
        key = module.key(label=label)
        key.sign(DATA)
        print("ready", flush=True)
        sys.stdin.readline()
        print(_rate(lambda: key.sign(DATA), seconds))


def measure(module: Module, algorithm: KeyAlgorithm, seconds: float, uri: str) -> dict[str, Any]:
    label = algorithm.value
    key = module.generate_key_pair(label=label, algorithm=algorithm)
    bare, verification = _bare(module, key), _verification(key)

    def in_turn() -> None:
        bare()
        verification()

    plain = ModuleSettings.model_validate({"working-copies": False})
    with Module.open(Pkcs11Uri.parse(uri), lab=True, settings=plain) as without_copies:
        token_key = without_copies.key(label=label)
        actions: dict[str, Callable[[], object]] = {
            "bare C_Sign": bare,
            "verify": verification,
            "in turn": in_turn,
            "Key.sign, no copy": lambda: token_key.sign(DATA),
            "Key.sign": lambda: key.sign(DATA),
        }
        cpu = {name: _cpu(action, seconds) for name, action in actions.items()}
        rates = {name: _rate(action, seconds) for name, action in actions.items()}
    rates["Key.sign, 2 threads"] = _threads(lambda: key.sign(DATA), 2, seconds)
    rates["Key.sign, 1 process"] = _processes(label, 1, seconds, uri)
    rates["Key.sign, 2 processes"] = _processes(label, 2, seconds, uri)
    return {"algorithm": label, "per_second": rates, "cpu_us": cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--uri", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.uri, arguments.seconds)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n", "utf-8")
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
        pin = secrets.token_urlsafe(18)
        (folder / "pin").touch(0o600)
        (folder / "pin").write_text(pin, "ascii")
        initialise_token(find_library(), label="bench", so_pin=secrets.token_urlsafe(18), user_pin=pin)
        uri = f"pkcs11:token=bench?pin-source=file:{folder / 'pin'}"
        with Module.open(Pkcs11Uri.parse(uri), read_write=True, lab=True) as module:
            rows = [measure(module, algorithm, arguments.seconds, uri) for algorithm in ALGORITHMS]
    if arguments.json:
        print(json.dumps(rows))
        return
    for title, member in (("signatures per second", "per_second"), ("processor time, us", "cpu_us")):
        print(f"{title:<24}" + "".join(f"{row['algorithm']:>12}" for row in rows))
        for name in rows[0][member]:
            print(f"{name:<24}" + "".join(f"{row[member][name]:>12.1f}" for row in rows))
        print()
    cpu = rows[0]["cpu_us"]
    caches = cpu["in turn"] - cpu["bare C_Sign"] - cpu["verify"]
    ours, copy = cpu["Key.sign, no copy"] - cpu["in turn"], cpu["Key.sign"] - cpu["in turn"]
    print(
        f"P-256: to sign and verify in turn costs {caches:+.1f} us beyond the sum of both alone (caches).\n"
        f"Key.sign costs {ours:+.1f} us beyond that, and {copy:+.1f} us with a working copy of the key."
    )


if __name__ == "__main__":
    main()

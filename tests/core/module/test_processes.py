"""Two threads and four spawned processes at once: every start succeeds, every signature verifies."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from trustworks.core.module import KeyAlgorithm, Module

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri

STARTS = 10
SIGNATURES = 60

# Starts the module anew, with two threads that sign; prints one line for each error. Arguments: library, URI,
# starts, signatures of each thread, whether to make and destroy keys of its own meanwhile.
WORKER = """
import sys, threading
from pathlib import Path
from trustworks.core.module import KeyAlgorithm, Module, Pkcs11Uri
library, uri, starts, signatures = Path(sys.argv[1]), Pkcs11Uri.parse(sys.argv[2]), *map(int, sys.argv[3:5])
writes, errors = sys.argv[5] == "True", []
def sign(module):
    try:
        key = module.key(label="shared")
        for _ in range(signatures):
            key.sign(b"data")
    except BaseException as error:
        errors.append(repr(error))
for number in range(starts):
    try:
        with Module.open(uri, library=library, read_write=writes) as module:
            threads = [threading.Thread(target=sign, args=(module,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            if writes:
                own = module.generate_key_pair(label=f"own-{sys.argv[6]}", algorithm=KeyAlgorithm.P256)
                module.destroy(own)
            for thread in threads:
                thread.join()
    except BaseException as error:
        errors.append(repr(error))
    module.cryptoki.finalise()  # so that the next start is one: C_Initialize, C_Login
    from trustworks.core.module import library as libraries
    libraries._loaded.clear()
print("\\n".join(errors), end="")
"""


@pytest.mark.req("TRUSTWORKS:MODULE-START-LOCK")
@pytest.mark.parametrize("writes", [False, True], ids=["signing", "signing and making keys"])
def test_two_threads_and_four_processes_hammer_one_token(
    softhsm: Path, token: Pkcs11Uri, writes: bool
) -> None:
    with Module.open(token, library=softhsm, read_write=True) as module:
        key = module.generate_key_pair(label="shared", algorithm=KeyAlgorithm.P256)
        processes = [
            subprocess.Popen(
                [
                    *(sys.executable, "-W", "error", "-c", WORKER, str(softhsm), str(token)),
                    *(str(STARTS), str(SIGNATURES), str(writes), str(number)),
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(4)
        ]
        errors: list[str] = []
        signatures = 0

        def sign() -> None:
            nonlocal signatures
            public_key = key.public_key
            assert isinstance(public_key, ec.EllipticCurvePublicKey)
            try:
                while any(process.poll() is None for process in processes):
                    public_key.verify(key.sign(b"data"), b"data", ec.ECDSA(SHA256()))
                    signatures += 1
            except BaseException as error:  # noqa: BLE001 - the test reports whatever it was
                errors.append(repr(error))

        threads = [threading.Thread(target=sign) for _ in range(2)]
        for thread in threads:
            thread.start()
        outputs = [process.communicate(timeout=240) for process in processes]
        for thread in threads:
            thread.join(60)
        assert errors == []
        assert signatures > 100
        assert [output for output, _ in outputs] == [""] * 4, [error for _, error in outputs]
        assert [process.returncode for process in processes] == [0] * 4
        assert [found.label for found in module.keys()] == ["shared"]  # noqa: SIM118 - no dictionary


def test_threads_with_keys_of_their_own_never_sign_with_another_s(module: Module) -> None:
    keys = [
        module.generate_key_pair(label=f"k{number}", algorithm=algorithm)
        for number, algorithm in enumerate((KeyAlgorithm.P256, KeyAlgorithm.P384, KeyAlgorithm.RSA_2048))
    ]
    errors: list[str] = []
    stop = time.monotonic() + 2

    def work(number: int) -> None:
        try:
            while time.monotonic() < stop:
                keys[number].sign(b"%d" % number)  # a signature by another key would not verify
        except BaseException as error:  # noqa: BLE001 - the test reports whatever it was
            errors.append(repr(error))

    threads = [threading.Thread(target=work, args=(number % 3,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []

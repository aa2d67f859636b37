"""What it costs to compare 5,000 files with their manifest, beside `sha256sum` over the same files."""

from __future__ import annotations

import resource
import secrets
import subprocess
import tempfile
import time
from pathlib import Path

import _figures  # type: ignore[import-not-found] # the scripts beside this one

from trustworks.assurance.integrity.making import make, verify
from trustworks.assurance.integrity.manifest import signed, verified
from trustworks.assurance.integrity.tree import Place
from trustworks.core.module.algorithms import SignatureScheme
from trustworks.core.roles.jws import Signer

FILES = 5_000
OCTETS = 23_000  # of a file, on average, as in an installation of 100 MB
LIMIT = 2.0  # seconds


def measure(rounds: int) -> None:
    """Print the processor time of both, and whether the limit is kept."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - of this part alone
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())

    def sign(data: bytes, scheme: SignatureScheme) -> bytes:
        assert scheme is SignatureScheme.ECDSA_SHA256
        return key.sign(data, ec.ECDSA(hashes.SHA256()))

    print(f"integrity: {FILES} files of {FILES * OCTETS >> 20} MiB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(FILES):
            file = folder / f"package{number % 100}" / f"module{number}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(secrets.token_bytes(OCTETS * 2 * (number % 10 + 1) // 11))
        place = Place(root="environment", folder=folder)
        content = signed(
            make([place], version="1"), Signer(public_key=key.public_key(), sign=sign, factors=frozenset())
        )
        ours, theirs = [], []
        for _ in range(rounds):
            began = time.process_time()
            assert verify(verified(content, key.public_key()), [place]).ok
            ours.append(time.process_time() - began)
            theirs.append(_sha256sum(folder))
    _figures.told("compare 5,000 files with a signed manifest", ours, LIMIT, "s")
    print(f"  reference, sha256sum of these files: {min(theirs):.2f} s; {min(ours) / min(theirs):.1f} times")


def _sha256sum(folder: Path) -> float:
    """Processor time of `sha256sum` over all files of a folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["find", folder, "-type", "f", "-exec", "sha256sum", "{}", "+"], check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

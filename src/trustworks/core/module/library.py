"""Finds the PKCS#11 library, initialises it once per process, and serialises start-up between processes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Unavailable
from trustworks.core.module.constants import Rv
from trustworks.core.module.pkcs11 import Cryptoki, CryptokiError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT: Final = "TRUSTWORKS_PKCS11_LIBRARY"
KNOWN_PLACES: Final = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),  # Debian, Ubuntu, Alpine
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),  # Fedora, RHEL
    Path("/usr/lib64/softhsm/libsofthsm2.so"),
    Path("/usr/lib/pkcs11/libsofthsm2.so"),  # Arch
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),  # built from source
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),  # macOS
    Path("/usr/local/opt/softhsm/lib/softhsm/libsofthsm2.so"),
    Path("/opt/local/lib/softhsm/libsofthsm2.so"),
)
LOCK_PATIENCE: Final = 60.0  # seconds; a start-up takes well under one, so that 60 means a stuck process
_LOCK_PAUSE: Final = 0.01

_loaded: dict[Path, Cryptoki] = {}
_loading = threading.RLock()


def find_library(configured: Path | None = None) -> Path:
    """The PKCS#11 library: from configuration, else from the environment, else from the known places of SoftHSM2."""
    for source, path in (("[module] library", configured), (ENVIRONMENT, os.environ.get(ENVIRONMENT))):
        if path:
            if Path(path).is_file():
                return Path(path)
            raise Unavailable(
                "module.library-absent",
                f"{source} names {path}, and there is no such file. Correct the path, or install the module's "
                "PKCS#11 library.",
            )
    for known in KNOWN_PLACES:
        if known.is_file():
            return known
    raise Unavailable(
        "module.library-absent",
        "No PKCS#11 library was found. Install SoftHSM2 (Debian: apt install softhsm2; Fedora: dnf install softhsm; "
        f"Alpine: apk add softhsm; macOS: brew install softhsm), or name your module's library in [module] library "
        f"or {ENVIRONMENT}.",
    )


@contextmanager
def start_lock(library: Path, lock_file: Path | None = None) -> Iterator[None]:
    """Hold the exclusive lock over C_Initialize..C_Login of all processes that use the same tokens.

    SoftHSM2 reads its token files while another process' login rewrites them: without the lock one start in seven
    fails when four processes start together. The locked file is one that exists for everybody: `lock_file`, else
    SoftHSM2's configuration, else the library itself.
    """
    configuration = os.environ.get("SOFTHSM2_CONF")
    path = lock_file or (Path(configuration) if configuration else library)
    try:
        creating = os.O_CREAT if lock_file else 0
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | creating, 0o600)
    except OSError as error:
        raise Unavailable(
            "module.lock",
            f"The start-up lock {path} cannot be opened: {error.strerror}. Check the path and its mode.",
        ) from None
    try:
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        "module.lock",
                        f"Another process has held the start-up lock {path} for {LOCK_PATIENCE:.0f} s. "
                        "Find it with fuser and end it.",
                    ) from None
                time.sleep(_LOCK_PAUSE)
        yield
    finally:
        os.close(descriptor)


def load(path: Path, *, parameters: str | None = None) -> Cryptoki:
    """The library, initialised; the same object for every caller in this process. Called under `start_lock`.

    Raises `Unavailable`: module.library-absent, module.library (it does not load or does not start), module.forked.
    """
    with _loading:
        known = path.resolve()
        cryptoki = _loaded.get(known)
        if cryptoki is not None:
            check_not_forked(cryptoki.pid)
            if cryptoki.parameters != parameters:
                raise Unavailable(
                    "module.library",
                    f"{path} is already in use with other library parameters; one process can use one setting.",
                )
            return cryptoki
        if not path.is_file():
            raise Unavailable(
                "module.library-absent",
                f"There is no PKCS#11 library at {path}. Correct the path, or install it.",
            )
        try:
            cryptoki = Cryptoki(path, parameters=parameters)
        except (OSError, AttributeError) as error:
            raise Unavailable(
                "module.library",
                f"{path} cannot be loaded as a PKCS#11 library ({error}). Check file and architecture.",
            ) from None
        initialise(cryptoki)
        _loaded[known] = cryptoki
        return cryptoki


def initialise(cryptoki: Cryptoki) -> None:
    """C_Initialize with the answers that an operator can act on."""
    try:
        cryptoki.initialise()
    except CryptokiError as error:
        hint = "Check the library's own configuration"
        if "softhsm" in cryptoki.path.name.lower():
            hint = (
                f"Check SOFTHSM2_CONF ({os.environ.get('SOFTHSM2_CONF') or 'not set'}) and that its token "
                "directory exists and is writable"
            )
        elif error.rv == Rv.CANT_LOCK:
            hint = "It cannot use the operating system's locks, which Trustworks needs"
        raise Unavailable("module.library", f"{cryptoki.path} does not start: {error}. {hint}.") from None


def start_afresh(cryptoki: Cryptoki) -> None:
    """C_Finalize and C_Initialize, so that tokens that appeared meanwhile are seen. Only while no module is open."""
    with _loading:
        if cryptoki.users == 0:
            try:
                cryptoki.finalise()
            finally:
                cryptoki.logins.clear()
                initialise(cryptoki)


def check_not_forked(pid: int) -> None:
    """A child process must not use what its parent opened: the library's locks and sessions were copied half-way."""
    if os.getpid() != pid:
        raise Unavailable(
            "module.forked",
            "This process was forked after the cryptographic module was opened. Start worker processes with spawn, "
            "and open the module in each of them.",
        )


def sha256_of(path: Path) -> bytes:
    """SHA-256 over the library's file, for the approval list and the evidence."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()

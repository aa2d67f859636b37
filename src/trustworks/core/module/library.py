"""Finds the PKCS#11 library, initialises it once per process, and serialises start-up between processes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Unavailable
from trustworks.core.module.constants import Rv
from trustworks.core.module.pkcs11 import Cryptoki, CryptokiError
from trustworks.core.module.softhsm import restore_tokens
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.module.config import ModuleSettings
    from trustworks.core.module.uri import Pkcs11Uri

ENVIRONMENT: Final = "TRUSTWORKS_PKCS11_LIBRARY"
SOFTHSM2_CONF: Final = "SOFTHSM2_CONF"
KNOWN_PLACES: Final = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),  # Debian, Ubuntu, Alpine
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),  # Fedora, RHEL
    Path("/usr/lib64/softhsm/libsofthsm2.so"),
    Path("/usr/lib/pkcs11/libsofthsm2.so"),  # Arch
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),  # built from source; Homebrew on Intel
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),  # macOS, Homebrew
    Path("/opt/local/lib/softhsm/libsofthsm2.so"),  # macOS, MacPorts
)
LOCK_PATIENCE: Final = 60.0  # seconds; a start-up takes well under one, so that 60 means a stuck process
_LOCK_PAUSE: Final = 0.01

_loaded: dict[Path, Cryptoki] = {}
_loading = threading.RLock()
_holding = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How this process reaches the module: the library, what its start is told, and the lock of starts."""

    path: Path
    parameters: str | None = None
    configuration: str | None = None  # what SOFTHSM2_CONF names while the library starts
    lock_file: Path | None = None
    state: Path | None = (
        None  # the folder that remembers which PIN a token refused; None: it is not remembered
    )

    @property
    def lock_path(self) -> Path:
        """A file that exists for every process that uses the same tokens."""
        if self.lock_file:
            return self.lock_file
        if self.configuration and "softhsm" in self.path.name.lower():
            return Path(self.configuration)
        return self.path


def make_setup(
    settings: ModuleSettings | None = None,
    *,
    library: Path | None = None,
    uri: Pkcs11Uri | None = None,
    base: Path | None = None,
    state: Path | None = None,
) -> Setup:
    """From a library given by hand, the URI's own, or the configuration (relative files: from `base`)."""
    folder = base or Path()
    configured = folder / settings.library if settings and settings.library else None
    named = Path(uri.module_path) if uri and uri.module_path else None
    path = find_library(library or named or configured)
    if uri and uri.module_name and uri.module_name not in {path.stem, path.stem.removeprefix("lib")}:
        raise Unavailable(
            "module.library-absent",
            f"{uri} asks for the library {uri.module_name!r}, and the one in use is {path}. "
            "Correct [module] library or the URI.",
        )
    configuration = os.environ.get(SOFTHSM2_CONF)
    if settings and settings.softhsm2_conf:
        configuration = str((folder / settings.softhsm2_conf).absolute())
    lock_file = (folder / settings.lock_file).absolute() if settings and settings.lock_file else None
    return Setup(
        path=path,
        parameters=settings.library_parameters if settings else None,
        configuration=configuration,
        lock_file=lock_file,
        state=state or (lock_file.parent if lock_file else None),
    )


def find_library(configured: Path | None = None) -> Path:
    """The PKCS#11 library: from configuration, else the environment, else the known places of SoftHSM2."""
    for source, path in (("[module] library", configured), (ENVIRONMENT, os.environ.get(ENVIRONMENT))):
        if path:
            if Path(path).is_file():
                return Path(path)
            raise Unavailable(
                "module.library-absent",
                f"{source} names {path}, and there is no such file. Correct the path, or install the "
                "module's PKCS#11 library.",
            )
    for known in KNOWN_PLACES:
        if known.is_file():
            return known
    raise Unavailable(
        "module.library-absent",
        "No PKCS#11 library was found. Install SoftHSM2 (Debian: apt install softhsm2; Fedora: dnf install "
        "softhsm; Alpine: apk add softhsm; macOS: brew install softhsm), or name your module's library in "
        f"[module] library or {ENVIRONMENT}.",
    )


@implements("TRUSTWORKS:MODULE-START-LOCK", disabled=lambda _setup: (None for _ in "once"))
@contextmanager
def start_lock(setup: Setup) -> Iterator[None]:
    """Hold the exclusive lock of all processes, and threads, that use the same tokens: C_Initialize..C_Login.

    SoftHSM2 reads its token files while another process' login rewrites them: without the lock one start in
    seven fails when four processes start together. Making and destroying keys and tokens is under the same
    lock.
    """
    path = setup.lock_path
    if path in _held():
        yield
        return
    try:
        creating = os.O_CREAT if setup.lock_file else 0
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | creating, 0o600)
    except OSError as error:
        raise Unavailable(
            "module.lock",
            f"The start-up lock {path} cannot be opened: {error.strerror}. Check the path and its mode.",
        ) from None
    try:
        _lock(descriptor, path)
        _held().add(path)
        try:
            yield
        finally:
            _held().remove(path)
    finally:
        os.close(descriptor)


def _held() -> set[Path]:
    """The locks that the present thread holds: it enters them again where a lost connection is reopened."""
    if not hasattr(_holding, "paths"):
        _holding.paths = set()
    paths: set[Path] = _holding.paths
    return paths


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable(
                    "module.lock",
                    f"Another process has held the start-up lock {path} for {LOCK_PATIENCE:.0f} s. "
                    "Find it with fuser and end it.",
                ) from None
            time.sleep(_LOCK_PAUSE)
        else:
            return


@contextmanager
def started(setup: Setup, *, afresh: bool = False) -> Iterator[Cryptoki]:
    """The library, initialised, as long as nobody else starts, logs in, or makes or destroys anything.

    Damaged files of tokens are put back before it reads them. `afresh`: it lists the slots anew, as who asks
    which tokens there are needs it. Raises what `start_lock` and `load` raise.
    """
    with start_lock(setup):
        restored = restore_tokens(setup)
        cryptoki = load(setup)
        with cryptoki.lock:
            if afresh or restored:  # one that ran before has read the damaged file
                start_afresh(cryptoki)
            yield cryptoki


def load(setup: Setup) -> Cryptoki:
    """The library, initialised; the same object for every caller in this process. Called under `start_lock`.

    Raises `Unavailable`: module.library-absent, module.library (it does not load or does not start),
    module.forked.
    """
    with _loading:
        known = setup.path.resolve()
        cryptoki = _loaded.get(known)
        if cryptoki is None:
            cryptoki = _new(setup)
            _initialise(cryptoki)
            _loaded[known] = cryptoki
            return cryptoki
        check_not_forked(cryptoki.pid, os.getpid())
        with cryptoki.lock:
            if (cryptoki.parameters, cryptoki.configuration) != (setup.parameters, setup.configuration):
                if cryptoki.users:
                    raise Unavailable(
                        "module.library",
                        f"{setup.path} is in use already with other parameters or another SOFTHSM2_CONF; one "
                        "process can use one setting at a time.",
                    )
                cryptoki.parameters, cryptoki.configuration = setup.parameters, setup.configuration
                start_afresh(cryptoki)
        return cryptoki


def _new(setup: Setup) -> Cryptoki:
    if not setup.path.is_file():
        raise Unavailable(
            "module.library-absent",
            f"There is no PKCS#11 library at {setup.path}. Correct the path, or install it.",
        )
    try:
        return Cryptoki(setup.path, parameters=setup.parameters, configuration=setup.configuration)
    except (OSError, AttributeError, CryptokiError) as error:
        raise Unavailable(
            "module.library",
            f"{setup.path} cannot be loaded as a PKCS#11 library ({error}). Check file and architecture.",
        ) from None


def _initialise(cryptoki: Cryptoki) -> None:
    """C_Initialize with the answers that an operator can act on."""
    try:
        with _configuration(cryptoki.configuration):
            cryptoki.initialise()
    except CryptokiError as error:
        hint = "Check the library's own configuration"
        if "softhsm" in cryptoki.path.name.lower():
            hint = (
                f"Check SOFTHSM2_CONF ({cryptoki.configuration or 'not set'}) and that its token "
                "directory exists and is writable"
            )
        elif error.rv == Rv.CANT_LOCK:
            hint = "It cannot use the operating system's locks, which Trustworks needs"
        raise Unavailable("module.library", f"{cryptoki.path} does not start: {error}. {hint}.") from None


@contextmanager
def _configuration(path: str | None) -> Iterator[None]:
    """SoftHSM2 reads the name of its configuration from the environment, in C_Initialize alone."""
    before = os.environ.get(SOFTHSM2_CONF)
    if path is None or path == before:
        yield
        return
    os.environ[SOFTHSM2_CONF] = path
    try:
        yield
    finally:
        if before is None:
            del os.environ[SOFTHSM2_CONF]
        else:
            os.environ[SOFTHSM2_CONF] = before


def start_afresh(cryptoki: Cryptoki) -> None:
    """C_Finalize and C_Initialize, so that new tokens are seen. Does nothing while a module is open."""
    with _loading:
        if cryptoki.users == 0:
            with suppress(CryptokiError):  # not initialised: somebody else finalised it
                cryptoki.finalise()
            cryptoki.logins.clear()
            _initialise(cryptoki)


def start_again(cryptoki: Cryptoki) -> None:
    """C_Initialize where somebody finalised the library beneath us; nothing where it is initialised."""
    with _loading, suppress(Unavailable):
        _initialise(cryptoki)


@implements("TRUSTWORKS:MODULE-FORK")
def check_not_forked(opened_by: int, user: int) -> None:
    """A child process must not use what its parent opened: locks and sessions were copied half-way."""
    if user != opened_by:
        raise Unavailable(
            "module.forked",
            "This process was forked after the cryptographic module was opened. Start worker processes with "
            "spawn, and open the module in each of them.",
        )


def sha256_of(path: Path) -> bytes:
    """SHA-256 over the library's file, for the approval list and the evidence.

    Raises `Unavailable` (module.library) where the file is gone, or cannot be read, while it is in use.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise Unavailable(
            "module.library",
            f"The file of the PKCS#11 library in use, {path}, cannot be read: {error.strerror}. Put it back, "
            "and find out who changed it.",
        ) from error

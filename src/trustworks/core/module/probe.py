"""What the module is, what it can do, and whether it is well."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import TrustworksError, Unavailable
from trustworks.core.module.algorithms import KeyAlgorithm
from trustworks.core.module.constants import Mechanism, mechanism_name
from trustworks.core.module.library import sha256_of
from trustworks.core.module.pkcs11 import text

if TYPE_CHECKING:
    from trustworks.core.module.module import Module

PROBE_LABEL: Final = "trustworks-probe"
_TEST_MODULES: Final = ("softhsm", "nss", "mozilla", "opencryptoki soft", "kryoptic", "swtpm")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleInfo:
    """What `trustworks module info` shows."""

    library: Path
    library_sha256: bytes
    library_description: str
    library_version: str
    manufacturer: str
    cryptoki_version: str
    interfaces: tuple[str, ...]
    token_label: str
    token_serial: str
    token_model: str
    token_manufacturer: str
    hardware_version: str
    firmware_version: str
    mechanisms: tuple[str, ...]
    capabilities: tuple[str, ...]
    is_test_module: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What an operator approved of a module."""

    mechanisms: tuple[str, ...]
    library_sha256: bytes
    library_version: str = ""
    token_model: str = ""
    firmware_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleHealth:
    """`ok` is false when anything was found; `latency_us` is of one signature with its verification."""

    ok: bool
    latency_us: float
    findings: tuple[str, ...] = field(default=())


def _version(version: object) -> str:
    return f"{version.major}.{version.minor}"  # type: ignore[attr-defined]


def info(module: Module) -> ModuleInfo:
    """Ask the library and the token."""
    cryptoki, slot = module.cryptoki, module.connection.slot
    general, token = cryptoki.info(), cryptoki.token_info(slot)
    names = " ".join(
        (text(general.libraryDescription), text(general.manufacturerID), text(token.model))
    ).lower()
    return ModuleInfo(
        library=cryptoki.path,
        library_sha256=sha256_of(cryptoki.path),
        library_description=text(general.libraryDescription),
        library_version=_version(general.libraryVersion),
        manufacturer=text(general.manufacturerID),
        cryptoki_version=_version(general.cryptokiVersion),
        interfaces=tuple(cryptoki.interfaces()),
        token_label=text(token.label),
        token_serial=text(token.serialNumber),
        token_model=text(token.model),
        token_manufacturer=text(token.manufacturerID),
        hardware_version=_version(token.hardwareVersion),
        firmware_version=_version(token.firmwareVersion),
        mechanisms=tuple(mechanism_name(number) for number in sorted(module.mechanisms)),
        capabilities=(),
        is_test_module=any(name in names for name in _TEST_MODULES),
    )


def health(module: Module, approved: Approval | None) -> ModuleHealth:
    """Sign and verify with the probe key."""
    del approved
    findings = []
    started = time.perf_counter_ns()
    try:
        key = module.key(label=PROBE_LABEL)
        started = time.perf_counter_ns()
        key.sign(b"probe")
    except TrustworksError as error:
        findings.append(str(error))
    latency = (time.perf_counter_ns() - started) / 1000
    return ModuleHealth(ok=not findings, latency_us=latency, findings=tuple(findings))

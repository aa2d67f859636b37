"""What the module is, and what it can do: told by itself, and tried out."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature

from trustworks.core.errors import TrustworksError
from trustworks.core.module import objects
from trustworks.core.module.algorithms import KeyAlgorithm, SignatureScheme
from trustworks.core.module.constants import LOST, mechanism_name
from trustworks.core.module.library import sha256_of
from trustworks.core.module.pkcs11 import CryptokiError, text
from trustworks.core.module.signatures import make_plan
from trustworks.core.module.validations import Validation, is_offered, read_validations, validated_signature
from trustworks.core.test_modules import is_test_module

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module.module import Module

# Software, whatever stands on its label: nothing of these is a certified device, and assurance answers
# accordingly.
_PROBED: Final = b"what the module makes of these octets is verified with the public key"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleInfo:
    """What `trustworks module info` shows.

    `validations` are the certificates that the module itself claims (PKCS#11 v3.2); `signs_validated` names
    those in whose scope it counts a signature of its probe key, None where it does not say.
    """

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
    is_test_module: bool
    validations: tuple[Validation, ...] = ()
    signs_validated: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What came of trying one kind of key: how long its generation took, and the schemes that it signed by.

    `why_not` says why there is no key, or why a scheme is missing; empty when all worked.
    """

    algorithm: KeyAlgorithm
    generation_ms: float | None
    schemes: tuple[SignatureScheme, ...]
    why_not: str = ""


def _version(version: Any) -> str:
    return f"{version.major}.{version.minor}"


def info(module: Module) -> ModuleInfo:
    """Ask the library and the token."""
    cryptoki = module.cryptoki
    general, token = module.connection.run(lambda _: cryptoki.info()), module.token_info()
    version, interfaces = _version(general.cryptokiVersion), tuple(cryptoki.interfaces())
    claimed = read_validations(module) if is_offered(version, interfaces) else ()
    flags = validated_signature(module) if claimed else None
    names = (general.libraryDescription, general.manufacturerID, token.model, token.manufacturerID)
    return ModuleInfo(
        library=cryptoki.path,
        library_sha256=sha256_of(cryptoki.path),
        library_description=text(general.libraryDescription),
        library_version=_version(general.libraryVersion),
        manufacturer=text(general.manufacturerID),
        cryptoki_version=version,
        interfaces=interfaces,
        token_label=text(token.label),
        token_serial=text(token.serialNumber),
        token_model=text(token.model),
        token_manufacturer=text(token.manufacturerID),
        hardware_version=_version(token.hardwareVersion),
        firmware_version=_version(token.firmwareVersion),
        # As they are now: an update of the device can change them under a process that runs.
        mechanisms=tuple(
            mechanism_name(number)
            for number in sorted(
                module.look_up(lambda _: frozenset(cryptoki.mechanisms(module.connection.slot)))
            )
        ),
        is_test_module=is_test_module(*map(text, names)),
        validations=claimed,
        signs_validated=(
            None if flags is None else tuple(one.identifier for one in claimed if one.flag & flags)
        ),
    )


def capabilities(module: Module) -> tuple[Capability, ...]:
    """Make a key of each kind for one session, and sign by each scheme.

    A mechanism list says too little: SoftHSM2 lists CKM_ECDSA whatever its curves are, and some modules list
    what their policy then forbids. Raises `Unavailable` where the connection is lost for good.
    """
    run = module.connection.run
    return tuple(run(_Trial(module, algorithm).run) for algorithm in KeyAlgorithm)


class _Trial:
    """One kind of key, tried in a session, and once more in one of a new connection where that was lost."""

    def __init__(self, module: Module, algorithm: KeyAlgorithm) -> None:
        self._module = module
        self._algorithm = algorithm
        self._failed: int | None = None

    def run(self, session: int) -> Capability:
        """What came of it. Raises `CryptokiError` where the connection seems to be lost."""
        module, algorithm = self._module, self._algorithm
        started = time.perf_counter_ns()
        try:
            public, private = objects.generate(
                module.cryptoki,
                session,
                module.mechanisms,
                algorithm=algorithm,
                label="trustworks-capability",
                key_id=b"trustworks-capability",
                on_token=False,
            )
        except (CryptokiError, TrustworksError) as error:
            why_not = self._reason(error)
            return Capability(algorithm=algorithm, generation_ms=None, schemes=(), why_not=why_not)
        taken = (time.perf_counter_ns() - started) / 1e6
        try:
            schemes, failures = self._schemes(session, public, private)
        finally:
            for handle in (private, public):
                with suppress(CryptokiError):
                    module.cryptoki.destroy(session, handle)
        return Capability(
            algorithm=algorithm, generation_ms=taken, schemes=tuple(schemes), why_not="; ".join(failures)
        )

    def _schemes(self, session: int, public: int, private: int) -> tuple[list[SignatureScheme], list[str]]:
        module, algorithm = self._module, self._algorithm
        schemes: list[SignatureScheme] = []
        failures: list[str] = []
        try:
            key = objects.read_public(module.cryptoki, session, public, algorithm)
        except (CryptokiError, TrustworksError, ValueError) as error:
            return [], [self._reason(error)]
        if key is None:
            return [], ["the module does not give out the public key"]
        for scheme in SignatureScheme:
            if scheme.family != algorithm.family:
                continue
            try:
                plan = make_plan(scheme, key, module.mechanisms, module.today())
                signed = _PROBED if plan.digest is None else plan.digest(_PROBED).digest()
                raw = module.cryptoki.sign(session, plan.mechanism, private, plan.prefix + signed)
                plan.verify(raw if plan.encode is None else plan.encode(raw), signed, *plan.arguments)
            except (CryptokiError, TrustworksError, InvalidSignature, ValueError) as error:
                failures.append(f"{scheme.name}: {self._reason(error)}")
            else:
                schemes.append(scheme)
        return schemes, failures

    def _reason(self, error: Exception) -> str:
        """Why something does not work.

        A lost connection says nothing of that: `Connection.run` opens it anew. But some modules answer alike
        for what they do not make, such as CKR_DEVICE_ERROR, and what a new connection answers again is so.
        """
        if isinstance(error, CryptokiError) and error.rv in LOST and error.rv != self._failed:
            self._failed = error.rv
            raise error
        return str(error) or type(error).__name__

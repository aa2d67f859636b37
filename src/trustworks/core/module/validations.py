"""What a module says of its own certificates: the validation objects of PKCS#11 v3.2.

It is a claim, not evidence: who relies on it compares it with what the scheme publishes. Modules of earlier
versions have no such objects, and are not asked.

Source: OASIS PKCS#11 3.2: validation objects, C_GetSessionValidationFlags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import TrustworksError
from trustworks.core.module.constants import LOST, Attribute, ObjectClass, Rv
from trustworks.core.module.health import PROBE_LABEL
from trustworks.core.module.pkcs11 import CryptokiError
from trustworks.core.module.signatures import make_plan

if TYPE_CHECKING:
    from trustworks.core.module.module import Module
    from trustworks.core.module.pkcs11 import Cryptoki

_FIRST_VERSION: Final = (3, 2)
_KINDS: Final = {0: "unspecified", 1: "software", 2: "hardware", 3: "firmware", 4: "hybrid"}
_AUTHORITIES: Final = {0: "unspecified", 1: "NIST CMVP", 2: "Common Criteria"}
# How a library that knows no such class says so, in place of finding nothing.
_NO_SUCH_CLASS: Final = frozenset(
    {
        Rv.ATTRIBUTE_TYPE_INVALID,
        Rv.ATTRIBUTE_VALUE_INVALID,
        Rv.FUNCTION_NOT_SUPPORTED,
        Rv.TEMPLATE_INCONSISTENT,
    }
)
_MOST: Final = 64  # a module with more certificates than that is not to be believed
_LONGEST: Final = 1024  # characters of one text
_NO_LEVEL: Final = 1 << 32  # from here on it is no level, such as CK_UNAVAILABLE_INFORMATION
_PROBED: Final = bytes(range(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """One certificate that the module claims to have.

    `kind` is what was validated (hardware, software, ...), `version` the standard's, `level` the one reached;
    None where the module does not say. `flag` is the bit that stands for it in the flags of a session.
    """

    kind: str
    authority: str
    version: str
    level: int | None
    module_id: str
    certificate: str
    certificate_uri: str
    country: str
    profile: str
    flag: int

    @property
    def identifier(self) -> str:
        """Authority and number, such as ``NIST CMVP 4962``; the module's name where there is no number."""
        return f"{self.authority} {self.certificate or self.module_id}".strip()


def is_offered(cryptoki_version: str, interfaces: tuple[str, ...]) -> bool:
    """Whether the library speaks PKCS#11 v3.2 or later, by its own version or one of its interfaces."""
    versions = [
        cryptoki_version,
        *(one.removeprefix("PKCS 11 ") for one in interfaces if one.startswith("PKCS 11 ")),
    ]
    return any(tuple(int(part) for part in version.split(".")) >= _FIRST_VERSION for version in versions)


def read_validations(module: Module) -> tuple[Validation, ...]:
    """The module's validation objects, sorted. Raises `Unavailable` where the module fails."""
    cryptoki = module.cryptoki

    def read(session: int) -> tuple[Validation, ...]:
        try:
            handles = cryptoki.find(session, {Attribute.CLASS: ObjectClass.VALIDATION})
        except CryptokiError as error:
            if error.rv in _NO_SUCH_CLASS:
                return ()
            raise
        # A library that overlooks what it does not know in a template gives out objects of any class.
        ours = [
            handle
            for handle in handles
            if cryptoki.number(session, handle, Attribute.CLASS) == ObjectClass.VALIDATION
        ]
        return tuple(_read(cryptoki, session, handle) for handle in ours[:_MOST])

    found = set(module.look_up(read))
    return tuple(sorted(found, key=lambda one: (one.authority, one.certificate, one.module_id, one.flag)))


def _read(cryptoki: Cryptoki, session: int, handle: int) -> Validation:
    def words(kind: Attribute) -> str:
        octets = cryptoki.attribute(session, handle, kind) or b""
        return octets.rstrip(b"\0 ").decode(errors="replace")[:_LONGEST].strip()

    def named(kind: Attribute, names: dict[int, str]) -> str:
        number = cryptoki.number(session, handle, kind) or 0
        return names.get(number, f"0x{number:08X}")

    version = cryptoki.attribute(session, handle, Attribute.VALIDATION_VERSION) or b""
    level = cryptoki.number(session, handle, Attribute.VALIDATION_LEVEL)
    return Validation(
        kind=named(Attribute.VALIDATION_TYPE, _KINDS),
        authority=named(Attribute.VALIDATION_AUTHORITY_TYPE, _AUTHORITIES),
        version=f"{version[0]}.{version[1]}" if len(version) == 2 else "",  # CK_VERSION
        level=level if level is not None and level < _NO_LEVEL else None,
        module_id=words(Attribute.VALIDATION_MODULE_ID),
        certificate=words(Attribute.VALIDATION_CERTIFICATE_IDENTIFIER),
        certificate_uri=words(Attribute.VALIDATION_CERTIFICATE_URI),
        country=words(Attribute.VALIDATION_COUNTRY),
        profile=words(Attribute.VALIDATION_PROFILE),
        flag=cryptoki.number(session, handle, Attribute.VALIDATION_FLAG) or 0,
    )


def validated_signature(module: Module) -> int | None:
    """The flags of the validations in whose scope the module counts a signature with its probe key.

    None where the module does not say, or has no probe key. A signature outside of every scope has no flag
    set.
    """
    try:
        key = module.key(label=PROBE_LABEL)
    except TrustworksError:
        return None

    def sign_and_ask(session: int) -> int | None:
        plan = make_plan(key.scheme, key.public_key, module.mechanisms, module.today())
        hashed = _PROBED if plan.digest is None else plan.digest(_PROBED).digest()
        handle = module.private_handle(session, key.key_id)
        try:
            module.cryptoki.sign(session, plan.mechanism, handle, plan.prefix + hashed)
            return module.cryptoki.validation_flags(session)
        except CryptokiError as error:
            if error.rv in LOST:
                raise
            return None  # that the key does not sign is told by a look at the module's health

    return module.look_up(sign_and_ask)

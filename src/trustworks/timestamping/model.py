"""Requests, tokens and answers in the words of RFC 3161."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.algorithms import HashFunction
    from trustworks.core.der import cms, tsp


class PkiStatus(enum.IntEnum):
    """PKIStatus (RFC 3161, 2.4.2)."""

    GRANTED = 0
    GRANTED_WITH_MODS = 1
    REJECTION = 2
    WAITING = 3
    REVOCATION_WARNING = 4
    REVOCATION_NOTIFICATION = 5


class PkiFailureInfo(enum.Enum):
    """PKIFailureInfo (RFC 3161, 2.4.2): the name, and the number of its bit.

    addInfoNotAvailable is there to be read only: this authority has no additional information to ask for.
    """

    BAD_ALG = ("badAlg", 0)
    BAD_REQUEST = ("badRequest", 2)
    BAD_DATA_FORMAT = ("badDataFormat", 5)
    TIME_NOT_AVAILABLE = ("timeNotAvailable", 14)
    UNACCEPTED_POLICY = ("unacceptedPolicy", 15)
    UNACCEPTED_EXTENSION = ("unacceptedExtension", 16)
    ADD_INFO_NOT_AVAILABLE = ("addInfoNotAvailable", 17)
    SYSTEM_FAILURE = ("systemFailure", 25)

    __hash__ = object.__hash__

    @property
    def code(self) -> str:
        """The name in the standard."""
        return self.value[0]

    @property
    def bit(self) -> int:
        """The number of its bit."""
        return self.value[1]


class Request(NamedTuple):
    """A decoded request.

    `hash_algorithm` is the AlgorithmIdentifier as the client wrote it; `hash` is None when it is not one of
    those that Trustworks knows. `extensions` are object identifiers.
    """

    version: int
    hash_algorithm: bytes
    hash: HashFunction | None
    digest: bytes
    policy: str | None
    nonce: int | None
    cert_req: bool
    extensions: tuple[str, ...]


class Content(NamedTuple):
    """What a token is to say; `gen_time` is cut to its resolution already."""

    policy: str
    hash_algorithm: bytes
    digest: bytes
    serial: int
    gen_time: datetime
    accuracy_us: int
    nonce: int | None
    qualified: bool


class IssuedBy(NamedTuple):
    """Which unit issued a token, over which kind of imprint, and into which audit stream its event goes."""

    unit: str
    imprint_hash: str
    stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: DER of the unit's certificate, its issuer's name and serial, the CA certificates sent along.

    `scheme` is a key of `core.der.algorithms.SIGNATURES`.
    """

    certificate: bytes
    issuer: bytes
    serial: int
    chain: tuple[bytes, ...]
    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a unit accepts: policies, the first of which is the default, and names of hash functions."""

    policies: tuple[str, ...]
    imprints: frozenset[str]


class TokenView(NamedTuple):
    """A token, read by `wire.read_token`, with the first of its signers.

    `attributes` are the signed ones: type and DER of the values; `digest` is None when it is not a known one.
    """

    der: bytes
    info: cms.SignedDataInfo
    signers: int
    signer: cms.SignerInfo
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]
    digest: HashFunction | None
    tst_info_der: bytes
    tst_info: tsp.TstInfo

    def attribute(self, dotted: str) -> bytes | None:
        """The one value of the one signed attribute of that type."""
        found = [values for kind, values in self.attributes if kind == dotted]
        return found[0][0] if len(found) == 1 and len(found[0]) == 1 else None


class Identity(NamedTuple):
    """The unit's certificate: DER, its issuer's name in DER, its serial, its subject key identifier."""

    certificate: bytes
    issuer: bytes
    serial: int
    key_id: bytes | None


class TstFields(NamedTuple):
    """A TSTInfo of our own, read back by `readback.read_own`: DER of each field, None for one that is absent.

    `imprint`, `gen_time` and `serial` are contents; `extensions` are object identifier (DER), whether it is
    critical, and value.
    """

    version: bytes
    policy: bytes
    imprint: bytes
    serial: bytes
    gen_time: bytes
    accuracy: bytes | None
    ordering: bytes | None
    nonce: bytes | None
    tsa: bytes | None
    extensions: tuple[tuple[bytes, bool, bytes], ...]


class OwnToken(NamedTuple):
    """A token of our own, read back by `readback.read_own`.

    `fixed` are the parts that are the same in all tokens of a unit, `attributes` is the content of the signed
    attributes, `certificates` that of the field certificates. `around` is what there is before the content,
    between it and the content of the attributes, and from there to the signature.
    """

    fixed: tuple[bytes, ...]
    content: bytes
    tst_info: TstFields
    attributes: bytes
    signature: bytes
    certificates: bytes | None
    around: tuple[bytes, bytes, bytes]


class Shape(NamedTuple):
    """What all tokens of a unit have in common, cut from a sample that kept every rule.

    The signed attributes are `before`, the message digest, `after`.
    """

    fixed: tuple[bytes, ...]
    before: bytes
    after: bytes
    certificates: bytes


class Expected(NamedTuple):
    """What the unit meant to issue: `policy` and `accuracy` in DER, `digest` as hashlib's function."""

    request: Request
    policy: bytes
    serial: int
    gen_time: datetime
    accuracy: bytes
    qualified: bool
    shape: Shape
    digest: Callable[[bytes], Any]
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded TimeStampResp; `token` is the DER of the ContentInfo."""

    status: int
    status_text: tuple[str, ...]
    failures: tuple[str, ...]
    token: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """One line of the record of issued tokens; the fields are the columns of `records.tokens`."""

    serial: str
    unit: str
    policy: str
    qualified: bool
    imprint_hash: str
    imprint: bytes
    gen_time: datetime
    tst_info: bytes
    clock_mode: str
    clock_lease: str
    clock_sources: str
    clock_bound_us: int | None
    clock_leap: str
    stream: str

    def as_dict(self) -> dict[str, str | int | bool | None]:
        """The line as JSON values."""
        return {
            "serial": self.serial,
            "unit": self.unit,
            "policy": self.policy,
            "qualified": self.qualified,
            "imprint_hash": self.imprint_hash,
            "imprint": self.imprint.hex(),
            "gen_time": self.gen_time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "tst_info": self.tst_info.hex(),
            "clock_mode": self.clock_mode,
            "clock_lease": self.clock_lease,
            "clock_sources": self.clock_sources,
            "clock_bound_us": self.clock_bound_us,
            "clock_leap": self.clock_leap,
            "stream": self.stream,
        }

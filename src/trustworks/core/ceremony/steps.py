"""The kinds of steps that a ceremony's script may have, and what each of them says.

`plan` reads them out of a TOML file, strictly; the executor finds the action of a step by its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, Union

from pydantic import Field

from trustworks.core.settings import hyphens

# The names of tokens, authorities and files of a plan: nothing that a shell, a URL or a path could misread.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Person = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]  # as operators are named
Label = Annotated[str, Field(min_length=1, max_length=64)]
Sentence = Annotated[str, Field(min_length=1, max_length=1000)]
# A file below the configuration's folder: a rehearsal has a folder of its own, and comes to no other.
File = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", max_length=255)
]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
TransportBits = Annotated[int, Field(ge=3072, le=16384)]

# What Pydantic is told when it reads a plan: unknown keys are errors, values have their type, hyphens.
STRICT: dict[str, Any] = {"extra": "forbid", "strict": True, "alias_generator": hyphens}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What all steps have: the part of the ceremony that they belong to, and who carries them out."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    phase: Sentence
    by: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Step):
    """Something that people do or see, and confirm: a seal, a safe, a sheet of paper."""

    kind: Literal["confirm"]
    what: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectModule(Step):
    """The module says what it is, and signs with its probe key; `serial` is the token that is expected."""

    kind: Literal["inspect-module"]
    token: Name
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A custodian's card: whose it is, its file, and the fingerprint that the custodian reads out."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: Person
    card: File
    fingerprint: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class PinSealing:
    """A PIN that is sealed when it is drawn: its new file, and of whom `threshold` open it together."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    file: File
    threshold: Annotated[int, Field(ge=2, le=20)]
    operators: Annotated[tuple[Card, ...], Field(min_length=2, max_length=20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialiseToken(Step):
    """A new token with this label; its PINs are drawn, and sealed for several, or go into new files.

    Of each PIN one is said: the user's is sealed or in a file, the security officer's is sealed, in a file,
    or thrown away.
    """

    kind: Literal["initialise-token"]
    label: Annotated[str, Field(min_length=1, max_length=32)]
    pin_file: File | None = None
    so_pin_file: File | None = None
    sealed_pin: PinSealing | None = None
    sealed_so_pin: PinSealing | None = None
    discard_so_pin: Literal[True] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBackup:
    """The backup of a key that is made: its new file, and of whom `threshold` bring the key back."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    file: File
    threshold: Annotated[int, Field(ge=2, le=20)]
    custodians: Annotated[tuple[Card, ...], Field(min_length=2, max_length=20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateKey(Step):
    """A new key pair that never leaves the module; with `backup`, which it can get now or never."""

    kind: Literal["generate-key"]
    token: Name
    label: Label
    algorithm: str
    backup: KeyBackup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckKey(Step):
    """A key that was made before: it is the one that is meant, it is protected, and it signs."""

    kind: Literal["check-key"]
    token: Name
    label: Label
    spki_sha256: Sha256 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeAuthority(Step):
    """A certification authority over a key: a root, or one that `parent` certifies.

    `path_length` is how many authorities may follow below it. The hours are those of its revocation list;
    absent, those of the configuration.
    """

    kind: Literal["make-authority"]
    authority: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    token: Name
    label: Label
    common_name: Annotated[str, Field(min_length=2, max_length=64)]
    years: Annotated[int, Field(ge=1, le=30)]
    parent: str | None = None
    path_length: Annotated[int, Field(ge=0, le=8)] | None = None
    crl_validity_hours: Annotated[int, Field(ge=1, le=8784)] | None = None
    crl_every_hours: Annotated[int, Field(ge=1, le=8784)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishList(Step):
    """The authority's revocation list, signed now."""

    kind: Literal["publish-crl"]
    authority: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyKey(Step):
    """A certificate for a service's key, by an authority of this provider; written to a new file (PEM).

    `authority`: absent, the one that the profile names.
    """

    kind: Literal["certify-key"]
    token: Name
    label: Label
    profile: Name
    common_name: Annotated[str, Field(min_length=1, max_length=64)]
    authority: Name | None = None
    file: File | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyKey(Step):
    """A key is destroyed for ever; `spki_sha256` says which, so that no other of its name goes."""

    kind: Literal["destroy-key"]
    token: Name
    label: Label
    spki_sha256: Sha256
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning(Step):
    """What steps have by which a key comes out of its backup: which, to which token, by which custodians.

    `backup` is its SHA-256 (`trustworks keys backup list`); absent, it is made by a step before.
    """

    token: Name
    label: Label
    file: File
    custodians: Annotated[tuple[Person, ...], Field(min_length=2, max_length=20)]
    backup: Sha256 | None = None
    transport_bits: TransportBits = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillBackup(Returning):
    """A backup is shown to bring its key back: for one session, in which it signs a nonce; nothing stays."""

    kind: Literal["drill-backup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreKey(Returning):
    """A key that was lost, or destroyed on this token, comes back to it; `spki_sha256` says which."""

    kind: Literal["restore-key"]
    spki_sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferKey(Returning):
    """A key comes to another token, the one with this `serial`; where it was before, it stays."""

    kind: Literal["transfer-key"]
    spki_sha256: Sha256
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyBackup(Step):
    """All copies of a backup are destroyed: people confirm it, and the one in `file` is removed here."""

    kind: Literal["destroy-backup"]
    label: Label
    spki_sha256: Sha256
    backup: Sha256
    reason: Sentence
    file: File | None = None


AnyStep = Annotated[
    Union[  # noqa: UP007 - Pydantic reads it at run time
        Confirm,
        InspectModule,
        InitialiseToken,
        GenerateKey,
        CheckKey,
        MakeAuthority,
        PublishList,
        CertifyKey,
        DestroyKey,
        DrillBackup,
        RestoreKey,
        TransferKey,
        DestroyBackup,
    ],
    Field(discriminator="kind"),
]

MAKES_ROOT: Final = "make-authority without parent"
MAKES_SUB_CA: Final = "make-authority with parent"


def act_of(step: AnyStep) -> str:
    """What a step does, by its kind; of an authority, too, whether it is a root or another certifies it."""
    if isinstance(step, MakeAuthority):
        return MAKES_ROOT if step.parent is None else MAKES_SUB_CA
    return step.kind

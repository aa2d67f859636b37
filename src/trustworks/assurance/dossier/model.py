"""All that goes into a dossier, as data: the register, what runs here, and who the provider is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from trustworks.assurance.model import ProductKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from trustworks.assurance.evidence import Item
    from trustworks.assurance.model import Facts, PaperKind, Product, ProviderPaper, Report
    from trustworks.assurance.statements import Statement


class Profile(StrEnum):
    """How much of what may concern persons goes into a dossier."""

    PSEUDONYMS = "pseudonyms"  # persons by pseudonyms; files with addresses of persons by their hash alone
    FULL = "full"  # all as it is registered


class Rank(StrEnum):
    """What a service's certificate is of (Annex III of (EU) 2025/2162, point 9(b))."""

    ROOT = "root certification authority"
    INTERMEDIATE = "intermediate certification authority"
    ISSUING = "issuing certification authority"
    END_ENTITY = "end entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceIdentity:
    """A service's digital identity: point 9(b). `key_identifier` and `sha256` are in hexadecimal.

    `name` is what it is called in the configuration, `use` how its key is used; `pem` is the certificate,
    `spki_sha256` the hash of its public key.
    """

    name: str
    use: str
    rank: Rank
    subject: str
    key_identifier: str
    sha256: str
    not_before: datetime
    not_after: datetime
    algorithm: str
    pem: str
    parent: str | None = None
    spki_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """A set of certificates that an authority issues: point 10(c). `policies` are dotted identifiers."""

    authority: str
    profile: str
    version: int
    title: str
    policies: tuple[str, ...]
    qualified: bool
    purpose: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document of the provider, with its version: point 13. `point` is such as ``13(a)``."""

    point: str
    kind: str
    title: str
    language: str
    version: str
    since: datetime
    sha256: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What the running systems know for a point, as JSON values in a file of that `name`.

    `lacks` are sentences about what is not known, unless documents of the kinds `instead` say it; `whole`
    is True where it answers the point without any document.
    """

    point: str
    name: str
    about: str
    values: Any
    whole: bool = False
    lacks: tuple[str, ...] = ()
    instead: frozenset[PaperKind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedDevice:
    """A kind of signature creation device that is given to subscribers: point 13(l)."""

    product: str
    kind: str
    certified_until: date | None
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Something that a service made: point 20. `test` says that it was made for trying."""

    what: str
    name: str
    content: bytes
    test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file of the register. `content` is None where the profile withholds it; `why` then says so."""

    sha256: str
    name: str
    source: str
    retrieved: datetime
    size: int
    content: bytes | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of the register of keys, with its state."""

    token: str
    label: str
    algorithm: str
    state: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The draft of a notice, as text: of a change or an incident."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who it is about, and what made it. `manifest` is the SHA-256 of the installation's manifest."""

    name: str
    identifier: str
    lab: bool
    product: str
    build: str
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that goes into a dossier. Nothing in it is asked for later.

    `sealed_in_test_module` names the token of the seal, where its module is for tests.

    `installation` is the signed manifest of what is installed, as its file is. `log` are documents about the
    audit log: the newest checkpoint, proofs. `handed_in` are the provider's own documents, whose files are
    among `files`; `inputs` is what the running systems know for points of the annex. `trace` is the table of
    requirements, None where there is none; `statements` are what the software says of standards, clause by
    clause.
    """

    made: datetime
    profile: Profile
    provider: Provider
    facts: Facts
    reports: tuple[Report, ...]
    sealed_in_test_module: str | None = None
    files: tuple[Kept, ...] = ()
    items: tuple[Item, ...] = ()
    identities: tuple[ServiceIdentity, ...] = ()
    policy_sets: tuple[PolicySet, ...] = ()
    papers: tuple[Paper, ...] = ()
    handed_in: tuple[ProviderPaper, ...] = ()
    inputs: tuple[Input, ...] = ()
    devices: tuple[OfferedDevice, ...] = ()
    samples: tuple[Sample, ...] = ()
    keys: tuple[Key, ...] = ()
    drafts: tuple[Draft, ...] = ()
    installation: bytes | None = None
    log: Mapping[str, Any] | None = None
    trace: Mapping[str, Any] | None = None
    statements: tuple[Statement, ...] = ()

    @property
    def test_modules(self) -> tuple[str, ...]:
        """The products and tokens of test modules: they protect keys against nobody."""
        registered = (one.id for one in self.facts.products if is_test_module(one))
        seen = (one.subject for one in self.items if one.values.get("is_test_module") is True)
        sealed = (self.sealed_in_test_module,) if self.sealed_in_test_module is not None else ()
        return tuple(dict.fromkeys((*registered, *seen, *sealed)))


def is_test_module(product: Product) -> bool:
    """Whether a module is for tests: it says so of itself, or the register does."""
    return product.kind is ProductKind.MODULE and bool(product.test_module)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a dossier. `name` has slashes between folders; `about` says what it is, for people."""

    name: str
    content: bytes
    about: str

"""What is asked for when something is to be signed, and what comes of it.

Source: EN 319 102-1, 4 (signature creation); EN 319 132-1, 122-1, 142-1, 162-1 and TS 119 182-1, 6 (levels).
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import EXCLUSIVE
from trustworks.formats.claims import NO_CLAIMS, Claims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.data import Data
    from trustworks.formats.pades.creating import Lock, Shown, Widget


class Format(StrEnum):
    """The format of a signature. In a container, that of the signature in it."""

    XADES = "xades"
    CADES = "cades"
    PADES = "pades"
    JADES = "jades"


class Container(StrEnum):
    """What holds documents and signatures together (EN 319 162-1)."""

    ASIC_S = "asic-s"
    ASIC_E = "asic-e"


class Level(StrEnum):
    """The level of a baseline signature: what it brings for those who validate it later."""

    B = "B-B"
    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"

    @property
    def rank(self) -> int:
        """0 to 3: a level has all that is below it."""
        return list(Level).index(self)


class Packaging(StrEnum):
    """Where the documents are, seen from the signature."""

    ENVELOPED = "enveloped"
    """The signature is inside the document."""
    ENVELOPING = "enveloping"
    """The documents are inside the signature."""
    DETACHED = "detached"
    """The documents are in files of their own."""
    INTERNALLY_DETACHED = "internally-detached"
    """Parts of an XML document are signed, and the signature is beside them in that document."""


class Onto(StrEnum):
    """How the new signature stands to those that are there."""

    NEW = "new"
    """The documents are signed as they are."""
    PARALLEL = "parallel"
    """One more signature in a signed file, over the same data."""
    COUNTER = "counter"
    """A counter-signature: over the value of one of the signatures in the file."""


CERTIFY: Final[Mapping[str, Literal[1, 2, 3]]] = {"none": 1, "forms": 2, "annotations": 3}
"""What may be changed after a certification, by a word: the P of DocMDP (ISO 32000-2, 12.8.2.2)."""

Mechanism = Literal["hash", "uri", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document to be signed. Its name is that of its data: by it detached documents are found again."""

    data: Data
    media_type: str | None = None

    @property
    def name(self) -> str | None:
        """The name of the file."""
        return self.data.name


@dataclass(frozen=True, slots=True, kw_only=True)
class XadesChoices:
    """What only XAdES lets one choose.

    `as_xml`: an enveloped document becomes elements, else base64. `manifest`: detached documents are listed
    in a ds:Manifest, and that is signed. `parts`: the identifiers of the elements that are signed (internally
    detached). `within`: the identifier of the element that the signature is put into; None: the root.
    `beside_others`: an enveloped signature leaves all signatures of the document out, so that others may come
    beside it. `sign_key_info`: the certificates in KeyInfo are signed too. `id`: that of the ds:Signature.
    """

    canonicalisation: str = EXCLUSIVE
    as_xml: bool = False
    manifest: bool = False
    parts: tuple[str, ...] = ()
    within: str | None = None
    beside_others: bool = False
    sign_key_info: bool = False
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JadesChoices:
    """What only JAdES lets one choose.

    `mechanism` says how detached documents are named: each by its digest, all by their URIs, or not at all.
    `encoded`: the payload is signed in base64url (b64 true). `older`: the time is in sigT, as before V1.2.1.
    """

    serialization: Literal["compact", "flattened", "general"] = "flattened"
    mechanism: Mechanism = "hash"
    encoded: bool = True
    older: bool = False
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CadesChoices:
    """What only CAdES lets one choose: a description of the content, for people (content-hints)."""

    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PadesChoices:
    """What only PAdES lets one choose; see `formats.pades.creating.Wanted`."""

    field: str | None = None
    name: str | None = None
    reason: str | None = None
    location: str | None = None
    contact: str | None = None
    widget: Widget | Shown | None = None
    certify: Literal[1, 2, 3] | None = None
    lock: Lock | None = None
    room: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A signature that is asked for.

    Of a signed file that gets one more signature (`onto`), the file is the first of `documents`; the others
    are detached data of it. `target` is the signature that is countersigned, by the id that `formats.read`
    gives it; None: the only one. `hash_name` is that of references. `content_time_stamp`: it is shown that
    the documents existed before they were signed.
    """

    format: Format
    documents: tuple[Document, ...]
    level: Level = Level.B
    packaging: Packaging | None = None
    """None: what is usual for the format, see `usual_packaging`."""
    container: Container | None = None
    claims: Claims = NO_CLAIMS
    hash_name: str = "sha256"
    content_time_stamp: bool = False
    onto: Onto = Onto.NEW
    target: str | None = None
    xades: XadesChoices = field(default_factory=XadesChoices)
    cades: CadesChoices = field(default_factory=CadesChoices)
    jades: JadesChoices = field(default_factory=JadesChoices)
    pades: PadesChoices = field(default_factory=PadesChoices)

    @property
    def packed_as(self) -> Packaging:
        """The packaging, or the usual one."""
        return self.packaging or usual_packaging(self.format, self.container)


def usual_packaging(format_: Format, container: Container | None) -> Packaging:
    """Where the documents are when nothing is said: of a container beside the signature."""
    if container is not None:
        return Packaging.DETACHED
    if format_ in {Format.XADES, Format.PADES}:
        return Packaging.ENVELOPED
    return Packaging.ENVELOPING


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: certificates in DER, that of the key first, and a scheme by the name of `core.module`."""

    certificates: tuple[bytes, ...]
    scheme: str

    @property
    def certificate(self) -> bytes:
        """The certificate of the key."""
        return self.certificates[0]


_ENDINGS: Final = {Format.XADES: ".xml", Format.CADES: ".p7m", Format.JADES: ".json", Format.PADES: ".pdf"}
_CONTAINERS: Final = {Container.ASIC_S: ".asics", Container.ASIC_E: ".asice"}


def ending_of(format_: Format, packaging: Packaging, container: Container | None) -> str:
    """What the name of a signed file ends with (RFC 8551, 3.2.1; EN 319 162-1, 4.3.3.1 and 4.4.3.1)."""
    if container is not None:
        return _CONTAINERS[container]
    if format_ is Format.CADES and packaging is Packaging.DETACHED:
        return ".p7s"
    return _ENDINGS[format_]

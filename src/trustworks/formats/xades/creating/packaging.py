"""What is signed, and where it is in relation to the signature, as data.

Source: XML Signature 1.1, 2 (enveloped, enveloping, detached) and 5.1 (manifest); EN 319 132-1, 5.2.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import BASE64, ENVELOPED, EXCLUSIVE
from trustworks.core.xml.build import WITHOUT_SIGNATURES, Selection
from trustworks.formats.xades.names import MANIFEST_TYPE, OBJECT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.data import Data

XML: Final = "text/xml"
OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFormat:
    """What the signer says that data is (DataObjectFormat, EN 319 132-1, 5.2.4)."""

    mime_type: str = OCTETS
    encoding: str | None = None
    description: str | None = None
    identifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """One reference to what is signed. `id` is that of the reference; ``{id}`` in `uri` the signature's."""

    id: str
    uri: str | None
    transforms: tuple[str | Selection, ...] = ()
    type: str | None = None
    format_: DataFormat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A ds:Object: octets in base64, an XML document as elements, or a manifest of data beside it."""

    id: str
    content: bytes | None = None
    is_xml: bool = False
    mime_type: str | None = None
    manifest: tuple[SignedData, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaged:
    """What is signed: references, the objects inside the signature, and the document around it.

    `document` None: the signature is a document of its own. `within` is the Id of the element whose last
    child it becomes, None: of the root. `beside` has detached data by the URI of its reference.
    """

    data: tuple[SignedData, ...]
    held: tuple[Held, ...] = ()
    document: bytes | None = None
    within: str | None = None
    beside: Mapping[str | None, Data]


def enveloped(
    document: bytes, *, within: str | None = None, parallel: bool = False, mime_type: str = XML
) -> Packaged:
    """The signature in the document that it signs.

    `parallel`: without any signature in it, so that others may be added beside; else without this one alone.
    """
    first = WITHOUT_SIGNATURES if parallel else ENVELOPED
    signed = SignedData(
        id="{id}-data-1", uri="", transforms=(first, EXCLUSIVE), format_=DataFormat(mime_type=mime_type)
    )
    return Packaged(data=(signed,), document=document, within=within, beside={})


def enveloping(
    contents: Sequence[Data], *, formats: Sequence[DataFormat] = (), as_xml: bool = False
) -> Packaged:
    """Data inside the signature, in base64, or (`as_xml`) as elements."""
    given = _formats(contents, formats, XML if as_xml else OCTETS)
    data, held = [], []
    for number, (one, about) in enumerate(zip(contents, given, strict=True), 1):
        named = f"{{id}}-object-{number}"
        data.append(
            SignedData(
                id=f"{{id}}-data-{number}",
                uri=f"#{named}",
                # Elements are signed with the ds:Object around them; of base64 what it stands for is.
                transforms=(EXCLUSIVE,) if as_xml else (BASE64,),
                type=OBJECT_TYPE,
                format_=about,
            )
        )
        held.append(Held(id=named, content=one.octets(), is_xml=as_xml, mime_type=about.mime_type))
    return Packaged(data=tuple(data), held=tuple(held), beside={})


def detached(files: Sequence[Data], *, formats: Sequence[DataFormat] = ()) -> Packaged:
    """Data beside the signature, by its names. One file alone needs none."""
    return Packaged(data=_entries(files, formats, "{id}-data"), beside=_beside(files))


def internally_detached(
    document: bytes, ids: Sequence[str], *, within: str | None = None, formats: Sequence[DataFormat] = ()
) -> Packaged:
    """Elements of a document, by their identifiers; the signature is beside them."""
    given = formats or [DataFormat(mime_type=XML)] * len(ids)
    data = tuple(
        SignedData(id=f"{{id}}-data-{number}", uri=f"#{one}", transforms=(EXCLUSIVE,), format_=about)
        for number, (one, about) in enumerate(zip(ids, given, strict=True), 1)
    )
    return Packaged(data=data, document=document, within=within, beside={})


def manifest(files: Sequence[Data], *, formats: Sequence[DataFormat] = ()) -> Packaged:
    """A list of the digests of data beside the signature, which is signed in place of the data."""
    listed = Held(id="{id}-manifest", manifest=_entries(files, formats, "{id}-entry"))
    signed = SignedData(
        id="{id}-data-1",
        uri="#{id}-manifest",
        transforms=(EXCLUSIVE,),
        type=MANIFEST_TYPE,
        format_=DataFormat(mime_type=XML),
    )
    return Packaged(data=(signed,), held=(listed,), beside=_beside(files))


def put_id(text: str, identifier: str) -> str:
    """The Id of a part of a signature, with the signature's own in the place of ``{id}``."""
    return text.replace("{id}", identifier)


def named(packaged: Packaged, identifier: str) -> Packaged:
    """The same with the signature's Id in the place of ``{id}``."""

    def signed(one: SignedData) -> SignedData:
        # The URI of data beside the document is a name of somebody else's, which may have braces.
        uri = put_id(one.uri, identifier) if one.uri and one.uri.startswith("#{id}") else one.uri
        return replace(one, id=put_id(one.id, identifier), uri=uri)

    return replace(
        packaged,
        data=tuple(signed(one) for one in packaged.data),
        held=tuple(
            replace(
                one, id=put_id(one.id, identifier), manifest=tuple(signed(entry) for entry in one.manifest)
            )
            for one in packaged.held
        ),
    )


def _entries(files: Sequence[Data], formats: Sequence[DataFormat], prefix: str) -> tuple[SignedData, ...]:
    given = _formats(files, formats, OCTETS)
    return tuple(
        SignedData(id=f"{prefix}-{number}", uri=_uri(one, alone=len(files) == 1), format_=about)
        for number, (one, about) in enumerate(zip(files, given, strict=True), 1)
    )


def _formats(files: Sequence[Data], formats: Sequence[DataFormat], otherwise: str) -> Sequence[DataFormat]:
    if not files:
        raise Rejected("xades.nothing", "There is nothing to be signed. Give the data.")
    if formats and len(formats) != len(files):
        raise Rejected("xades.formats", f"There are {len(formats)} formats for {len(files)} data objects.")
    return formats or [DataFormat(mime_type=otherwise)] * len(files)


def _beside(files: Sequence[Data]) -> dict[str | None, Data]:
    found = {_uri(one, alone=len(files) == 1): one for one in files}
    if len(found) != len(files):
        raise Rejected("xades.names", "Two of the data objects have the same name. Give each its own.")
    return found


def _uri(data: Data, *, alone: bool) -> str | None:
    """A name as a relative reference (RFC 3986, 4.2). Only one object alone may be without."""
    if not data.name:
        if alone:
            return None
        raise Rejected("xades.names", "A data object among several has no name. Give each its own.")
    try:
        return quote(data.name)
    except UnicodeEncodeError as error:
        raise Rejected(
            "xades.names", f"The name {data.name!r:.100} has half a character. Give another."
        ) from error

"""A signature, in three steps: `prepare`, any key signs `Prepared.dtbs`, `Prepared.complete`.

Life of a signature here: the ds:Signature is put where it will stand, with objects and signed properties;
the digests of all references are computed in place; the document so far and the canonical SignedInfo are
frozen as `Prepared`. With the value, the document is read again, the value put in, and what came of it
verified.
Sources: EN 319 132-1, 4.3, 4.4 and 5.2.7; XML Signature 1.1, 3.1.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml import algorithms, build
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import read_signature
from trustworks.core.xml.parse import parse
from trustworks.formats.data import Octets
from trustworks.formats.dtbs import Dtbs, Fields, check_scheme, packed
from trustworks.formats.verification import plain_value, public_key
from trustworks.formats.xades import names
from trustworks.formats.xades.creating.elements import child, digest_uri
from trustworks.formats.xades.creating.packaging import named, put_id
from trustworks.formats.xades.creating.placeholders import has_no_placeholder
from trustworks.formats.xades.creating.properties import SignedProperties, signed_properties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.core.xml.references import Source
    from trustworks.formats.claims import Claims
    from trustworks.formats.xades.creating.packaging import Held, Packaged, SignedData
    from trustworks.formats.xades.creating.properties import ContentTimeStamp

_KIND: Final = "xades"
_PROPERTIES_TYPE: Final = {
    names.XADES_111: f"{names.XADES_111}SignedProperties",
    names.XADES_122: f"{names.XADES_122}SignedProperties",
    names.XADES_132: "http://uri.etsi.org/01903#SignedProperties",
}
_COUNTERSIGNED_TYPE: Final = "http://uri.etsi.org/01903#CountersignedSignature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document with a signature in it that has everything but its value, and what is to be signed."""

    dtbs: Dtbs
    id: str
    """The Id of the ds:Signature."""
    document: bytes
    place: int
    """Where the value comes in the document."""

    def encode(self) -> bytes:
        """It as octets, to be stored between the steps."""
        return packed(
            _KIND, {"id": self.id, "document": self.document, "place": self.place, **self.dtbs.fields()}
        )

    @classmethod
    def decode(cls, octets: bytes) -> Prepared:
        """What `encode` wrote. Raises `Malformed`."""
        found = Fields(_KIND, octets)
        return cls(
            dtbs=Dtbs.of(found),
            id=found.text("id"),
            document=found.octets("document"),
            place=found.number("place"),
        )

    def complete(self, value: bytes, *, beside: Mapping[str | None, Source] | None = None) -> bytes:
        """The third step: the document with the finished signature, which was verified.

        `value` is what a module's key signs (ECDSA in DER), over `dtbs.octets`. `beside` is the detached data
        by the URIs of its references, to look at its digests once more; None: it is not at hand.

        Raises:
            Malformed: what was prepared cannot be read.
            Rejected: (signature.own) the value is not that of the certificate's key over what was prepared.
        """
        key, made = public_key(self.dtbs.certificate), self.with_value(value)
        document = Document.of(made)
        signature = read_signature(signature_in(document.root, self.id), document)
        if signature.octets != self.dtbs.octets:
            raise Rejected(
                "signature.prepared",
                "The document that was prepared does not hold what was to be signed: one of them was "
                "changed. Prepare it anew.",
            )
        build.check_own(signature, document, key, beside)
        return made

    def with_value(self, value: bytes) -> bytes:
        """The document with the value in its place, which nobody has looked at: `complete` does.

        For who reads what comes of it by himself. Raises `Malformed` for a value that is none of the key's.
        """
        written = build.value_text(plain_value(value, public_key(self.dtbs.certificate))).encode()
        return self.document[: self.place] + written + self.document[self.place :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a signature is written.

    `hash_name` is that of references, to the certificate too; `sign_key_info` protects KeyInfo. `time_stamps`
    are over the content. `version` is the namespace of the qualifying properties.
    """

    scheme: str
    hash_name: str = "sha256"
    canonicalisation: str = algorithms.EXCLUSIVE
    sign_key_info: bool = False
    id: str | None = None
    time_stamps: Sequence[ContentTimeStamp] = field(default_factory=tuple)
    version: str = names.XADES_132

    def properties(self, certificates: Sequence[bytes], claims: Claims) -> SignedProperties:
        """The signed properties. Raises `Rejected` without a certificate, and for an unknown version."""
        return SignedProperties(
            certificates=certificates,
            claims=claims,
            time_stamps=self.time_stamps,
            hash_name=self.hash_name,
            version=self.version,
        )


def prepare(packaged: Packaged, certificates: Sequence[bytes], claims: Claims, options: Options) -> Prepared:
    """The first step: everything is frozen, and what a key has to sign is computed.

    `certificates` are in DER, that of the signer first, to which alone is referred.

    Raises:
        Malformed: the document is no XML.
        Rejected: something to be signed is not found, or there is no place for what is to be said.
    """
    properties = options.properties(certificates, claims)
    return _frozen(begun(packaged, properties, options), properties, options)


def counter_sign(
    document: bytes, signature: str, certificates: Sequence[bytes], claims: Claims, options: Options
) -> Prepared:
    """The first step of a counter-signature, in a property of the signature that has that Id.

    Raises:
        Malformed: the document is no XML.
        Rejected: there is no such signature, or its value has no Id to refer to.
    """
    properties = options.properties(certificates, claims)
    root = parse(document)
    value = signature_in(root, signature).find(names.SIGNATURE_VALUE)
    identifier = None if value is None else value.get("Id")
    if identifier is None:
        raise Rejected(
            "xades.countersigned",
            f"The value of the signature {signature[:80]!r} has no Id, so that no counter-signature can "
            "refer to it without changing it. Countersign it in a file of its own.",
        )
    holder = child(unsigned_properties(root, signature), "CounterSignature")
    data = build.Wanted(uri=f"#{identifier}", type=_COUNTERSIGNED_TYPE, digest=digest_uri(options.hash_name))
    named_ = _identifier(Document(root), properties, options, identifier.encode())
    element = _skeleton(named_, [data], (), (), properties, options)
    holder.append(element)
    build.fill(element, {})
    return _frozen(element, properties, options)


def serialised(root: etree._Element) -> bytes:
    """A whole document in UTF-8, with what stands beside its root element."""
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def serialised_around(empty: etree._Element) -> tuple[bytes, bytes]:
    """The whole document of an element without content, before that would come and behind it."""
    while True:
        empty.text = mark = secrets.token_hex(16)
        parts = serialised(empty.getroottree().getroot()).split(mark.encode())
        if len(parts) == 2:  # else the mark was in it already
            return parts[0], parts[1]


def signature_in(root: etree._Element, identifier: str | int) -> etree._Element:
    """The one ds:Signature with that Id, or with that number in the document (from 0).

    Raises `Rejected` (xades.signature) where there is not just one.
    """
    found = list(root.iter(names.SIGNATURE))
    if isinstance(identifier, int):
        if not 0 <= identifier < len(found):
            raise Rejected(
                "xades.signature",
                f"The document has {len(found)} signatures, and none with the number {identifier}.",
            )
        return found[identifier]
    found = [one for one in found if one.get("Id") == identifier]
    if len(found) != 1:
        raise Rejected(
            "xades.signature",
            f"The document has {len(found)} signatures with the Id {identifier[:80]!r}; it has to be one.",
        )
    return found[0]


def unsigned_properties(root: etree._Element, signature: str | int) -> etree._Element:
    """UnsignedSignatureProperties of a signature, made where it has none.

    Raises `Rejected` (xades.qualifying) where it has no qualifying properties to which any could be added.
    """
    element = signature_in(root, signature)
    qualifying = [
        one
        for one in element.iterfind(f"{names.OBJECT}/{{*}}QualifyingProperties")
        if names.split(str(one.tag))[0] in names.VERSIONS
    ]
    if len(qualifying) != 1:
        raise Rejected(
            "xades.qualifying",
            f"The signature {signature!r:.80} has {len(qualifying)} qualifying properties inside it; only "
            "to XAdES, which has them once, properties can be added.",
        )
    holder = qualifying[0]
    for name in ("UnsignedProperties", "UnsignedSignatureProperties"):
        space = names.split(str(holder.tag))[0]
        inner = holder.find(f"{{{space}}}{name}")
        holder = child(holder, name) if inner is None else inner
    return holder


def begun(packaged: Packaged, properties: SignedProperties, options: Options) -> etree._Element:
    """The ds:Signature in its place, with all digests and no value. Raises as `prepare`."""
    check_scheme(options.scheme)
    document = None if packaged.document is None else Document.of(packaged.document)
    identifier = _identifier(document, properties, options, repr(packaged.data).encode())
    packaged = named(packaged, identifier)
    stamps = [replace(one, of=[put_id(of, identifier) for of in one.of]) for one in properties.time_stamps]
    properties = replace(properties, time_stamps=stamps)
    digest = digest_uri(options.hash_name)
    element = _skeleton(
        identifier,
        [_wanted(one, digest) for one in packaged.data],
        packaged.held,
        packaged.data,
        properties,
        options,
    )
    if document is not None:
        has_no_placeholder(document)
        document = document.grown(element, _place(document, packaged.within))
    build.fill(element, packaged.beside, document)
    return element


def _frozen(element: etree._Element, properties: SignedProperties, options: Options) -> Prepared:
    # `complete` compares it with what it reads in the finished document.
    octets = build.signed_octets(element)
    dtbs = Dtbs(data=Octets(octets), scheme=options.scheme, certificate=properties.certificates[0])
    (value,) = element.iterchildren(names.SIGNATURE_VALUE)
    before, behind = serialised_around(value)
    return Prepared(dtbs=dtbs, id=str(element.get("Id")), document=before + behind, place=len(before))


def _wanted(one: SignedData, digest: str) -> build.Wanted:
    return build.Wanted(uri=one.uri, transforms=one.transforms, digest=digest, type=one.type, id=one.id)


def _skeleton(  # noqa: PLR0917 - the parts of a signature
    identifier: str,
    references: Sequence[build.Wanted],
    held: Sequence[Held],
    data: Sequence[SignedData],
    properties: SignedProperties,
    options: Options,
) -> etree._Element:
    wanted = list(references)
    digest = digest_uri(options.hash_name)
    objects = [_object(one, digest) for one in held]
    own = f"{identifier}-signed-properties"
    wanted.append(build.Wanted(uri=f"#{own}", digest=digest, type=_PROPERTIES_TYPE[properties.version]))
    qualifying = etree.Element(
        f"{{{properties.version}}}QualifyingProperties",
        nsmap={"xades": properties.version, "ds": names.DS},
        Target=f"#{identifier}",
    )
    signed_properties(qualifying, properties, data, own)
    objects.append(qualifying)
    if options.sign_key_info:
        wanted.append(build.Wanted(uri=f"#{identifier}-key-info", digest=digest))
    element = build.skeleton(
        build.Plan(
            references=wanted,
            method=algorithms.WRITTEN[options.scheme],
            certificates=properties.certificates,
            objects=objects,
            canonicalisation=options.canonicalisation,
            id=identifier,
            value_id=f"{identifier}-value",
        )
    )
    key_info = element.find(names.KEY_INFO)
    if key_info is not None:
        key_info.set("Id", f"{identifier}-key-info")
    return element


def _object(held: Held, digest: str) -> etree._Element:
    element = etree.Element(names.OBJECT, nsmap={"ds": names.DS}, Id=held.id)
    if held.mime_type is not None:
        element.set("MimeType", held.mime_type)
    if held.manifest:
        listed = child(element, "Manifest")
        # The list itself is named by its object's Id: a reference of the type Manifest is to the list.
        listed.set("Id", str(element.attrib.pop("Id")))
        for entry in held.manifest:
            build.write_reference(listed, _wanted(entry, digest))
    elif held.is_xml:
        element.append(parse(held.content or b""))
    else:
        element.set("Encoding", algorithms.BASE64)
        element.text = base64.b64encode(held.content or b"").decode("ascii")
    return element


def _place(document: Document, within: str | None) -> etree._Element:
    if within is None:
        return document.root
    found = document.ids.get(within)
    if found is None:
        raise Rejected(
            "xades.within", f"The document has no element (or several) with the identifier {within[:80]!r}."
        )
    return found


def _identifier(
    document: Document | None, properties: SignedProperties, options: Options, about: bytes
) -> str:
    """An Id that is not in the document. The same input has the same: nothing is drawn by chance."""
    ids = None if document is None else document.ids
    if options.id is not None:
        if not _is_name(options.id):
            raise Rejected(
                "xades.id", f"{options.id[:80]!r} is no identifier of XML. Begin it with a letter."
            )
        if ids is not None and (ids.get(options.id) is not None or options.id in ids.duplicates):
            raise Rejected("xades.id", f"The document has the identifier {options.id[:80]!r} already.")
        return options.id
    running = hashlib.sha256(about)
    running.update(properties.certificates[0] + repr(properties.claims.signing_time).encode())
    while True:
        found = f"S-{running.hexdigest()[:16]}"
        if ids is None or (ids.get(found) is None and found not in ids.duplicates):
            return found
        running.update(b"again")


def _is_name(text: str) -> bool:
    return text.replace("-", "_").replace(".", "_").isidentifier()

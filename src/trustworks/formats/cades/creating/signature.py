"""A signature, in three steps: `prepare`, any key signs `Prepared.dtbs`, `Prepared.complete`.

The signed attributes are frozen in DER; nothing of the content is kept between the steps but its digest. A
finished signer makes a structure of its own, or joins one that is there, of which only lengths change.
Source: EN 319 122-1, 4 and 5.2; RFC 5652, 5 and 11.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der import cms as names
from trustworks.core.der.algorithms import HASHES, SIGNATURES, SIGNER_DIGESTS, hash_identifier
from trustworks.core.der.encode import (
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    context,
    integer,
    length,
    oid,
    tlv,
)
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.adding import Most, Reading, State, check_added
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cades.creating import attributes
from trustworks.formats.cades.evidence_records import KINDS as RECORDS
from trustworks.formats.cades.reading import read_cms
from trustworks.formats.cms.algorithms import signature_algorithm
from trustworks.formats.cms.splicing import Insertion, Replacement, in_order, spliced
from trustworks.formats.cms.structure import read_signed_data, signer_info
from trustworks.formats.collector import Collector
from trustworks.formats.data import Joined, Octets
from trustworks.formats.dtbs import Dtbs, Fields, check_scheme, packed
from trustworks.formats.verification import verifies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.claims import Claims
    from trustworks.formats.cms.structure import SignedData, SignerInfo
    from trustworks.formats.data import Data

DATA: Final = "1.2.840.113549.1.7.1"
_KIND: Final = "cades"
_CONTEXT: Final = 0xA0
_CERTIFICATES: Final = 0xA0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a signature is written.

    `hash_name` is that of the reference to the certificate; the content is digested by what goes with the
    scheme. `description` goes into content hints. `time_stamps` are tokens over the content.
    """

    scheme: str
    hash_name: str = "sha256"
    mime_type: str | None = None
    description: str | None = None
    time_stamps: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is to be signed, and with which certificates it will stand in the structure."""

    dtbs: Dtbs
    certificates: tuple[bytes, ...]

    def encode(self) -> bytes:
        """It as octets, to be stored between the steps."""
        return packed(_KIND, {"certificates": self.certificates, **self.dtbs.fields()})

    @classmethod
    def decode(cls, octets: bytes) -> Prepared:
        """What `encode` wrote. Raises `Malformed`."""
        found = Fields(_KIND, octets)
        dtbs, certificates = Dtbs.of(found), found.several("certificates")
        if dtbs.certificate not in certificates:
            raise Malformed("The prepared signature has not the signer's certificate. Prepare it anew.")
        return cls(dtbs=dtbs, certificates=certificates)

    def complete(self, value: bytes, *, content: Data | None = None) -> bytes:
        """The third step: a structure of its own, with the content inside, or (None) beside it.

        `value` is what a module's key signs. Raises `Rejected` (signature.own, signature.content) where it is
        not that of the certificate's key, or the content is not the one that was prepared.
        """
        return self.around(value, content).octets()

    def around(self, value: bytes, content: Data | None) -> Data:
        """As `complete`, the content read in portions when it is written: never held. It stays DER."""
        info = _signer(self, value)
        behind = context(0, *sorted(self.certificates)) + tlv(SET, info)
        version = integer(1) + tlv(SET, hash_identifier(SIGNER_DIGESTS[self.dtbs.scheme]))
        kind, outer = oid(DATA), oid(names.SIGNED_DATA)
        if content is None:
            body = tlv(SEQUENCE, version, tlv(SEQUENCE, kind), behind)
            return Octets(tlv(SEQUENCE, outer, context(0, body)))
        check_content(self, content)
        # From the inside out: each length is of what comes after it.
        before = _begin(OCTET_STRING, b"", content.size, 0)
        before = _begin(_CONTEXT, before, content.size, 0)
        before = _begin(SEQUENCE, kind + before, content.size, 0)
        before = _begin(SEQUENCE, version + before, content.size, len(behind))
        before = _begin(_CONTEXT, before, content.size, len(behind))
        before = _begin(SEQUENCE, outer + before, content.size, len(behind))
        return Joined((Octets(before), content, Octets(behind)))

    def join(self, value: bytes, structure: bytes, *, beside: Sequence[Data] = ()) -> bytes:
        """The third step: the signer beside those in a structure, over the same content (in parallel).

        `beside` is the content where the structure does not hold it. Of what is there only lengths change.

        Raises:
            Malformed: the structure cannot be read.
            Rejected: as `complete`; adding.broken where an archive time-stamp of an older kind is over it.
        """
        data = read_signed_data(structure)
        content = (
            Octets(data.content_octets() or b"") if data.content is not None else next(iter(beside), None)
        )
        if content is not None:
            check_content(self, content)
        info = _signer(self, value)
        digest = hash_identifier(SIGNER_DIGESTS[self.dtbs.scheme])
        changes: list[Insertion | Replacement] = [in_order(data.signer_infos, info)]
        changes += new_certificates(data, self.certificates)
        changes += _digest_algorithm(data, digest)
        return checked(structure, data, spliced(data.content_info, changes), beside, signer=True)

    def join_counter(
        self, value: bytes, structure: bytes, signer: int, *, beside: Sequence[Data] = ()
    ) -> bytes:
        """The third step of `counter_sign`. Raises as `join`."""
        data = read_signed_data(structure)
        parent = signer_of(data, signer)
        check_content(self, Octets(parent.signature.string()))
        changes: list[Insertion | Replacement] = [
            unsigned_attribute(parent, attributes.attribute(ids.COUNTER_SIGNATURE, _signer(self, value)))
        ]
        changes += new_certificates(data, self.certificates)
        return checked(structure, data, spliced(data.content_info, changes), beside)


def _begin(tag: int, before: bytes, size: int, behind: int) -> bytes:
    """Octets before content of a size, in an element that ends so many octets after the content."""
    return bytes((tag,)) + length(len(before) + size + behind) + before


def prepare(content: Data, certificates: Sequence[bytes], claims: Claims, options: Options) -> Prepared:
    """The first step. `certificates` are in DER, that of the signer first; only digests of content are kept.

    Raises:
        Rejected: for what CAdES has no place for, and content that cannot be digested.
    """
    hints: list[bytes] = []
    if options.description is not None:
        hints.append(attributes.content_hints(DATA, options.description))
    if options.mime_type is not None:
        hints.append(attributes.mime_type(options.mime_type))
    own = [attributes.attribute(names.CONTENT_TYPE, oid(DATA)), *hints]
    return _prepared(content, certificates, claims, options, own)


def counter_sign(
    structure: bytes, signer: int, certificates: Sequence[bytes], claims: Claims, options: Options
) -> Prepared:
    """The first step of a counter-signature of the signer of that number (from 0) in a structure.

    Raises:
        Malformed: the structure cannot be read.
        Rejected: it has no such signer, or there is no place for what is to be said.
    """
    value = signer_of(read_signed_data(structure), signer).signature.string()
    return _prepared(Octets(value), certificates, claims, options, [])


def _prepared(
    content: Data, certificates: Sequence[bytes], claims: Claims, options: Options, own: list[bytes]
) -> Prepared:
    check_scheme(options.scheme)
    if not certificates:
        raise Rejected("cades.certificate", "The signer's certificate is not given; it has to be signed.")
    digest = content.digest(SIGNER_DIGESTS[options.scheme])
    own.append(attributes.attribute(names.MESSAGE_DIGEST, tlv(OCTET_STRING, digest)))
    own.append(attributes.signing_certificate(certificates[0], options.hash_name))
    own += attributes.of_claims(claims)
    own += attributes.content_time_stamps(options.time_stamps)
    signed = Octets(ber.sorted_set(SET, own))
    dtbs = Dtbs(data=signed, scheme=options.scheme, certificate=certificates[0])
    return Prepared(dtbs=dtbs, certificates=tuple(dict.fromkeys(certificates)))


def signer_of(data: SignedData, number: int) -> SignerInfo:
    """The signer of that number. Raises `Rejected` (cades.signer)."""
    if not 0 <= number < len(data.signers):
        raise Rejected("cades.signer", f"There is no signer {number}; the structure has {len(data.signers)}.")
    return data.signers[number]


def signer_at(data: SignedData, number: int, below: Sequence[int] = ()) -> SignerInfo:
    """The signer of that number, or `below` it a counter-signature, one number for each level (from 0).

    Raises `Rejected` (cades.signer).
    """
    found = signer_of(data, number)
    for place in below:
        counters = [
            value
            for one in found.unsigned_attributes
            if one.type == ids.COUNTER_SIGNATURE
            for value in one.values
        ]
        if not 0 <= place < len(counters):
            raise Rejected(
                "cades.signer",
                f"There is no counter-signature {place}; the signature has {len(counters)}.",
            )
        found = signer_info(counters[place])
    return found


def check_content(prepared: Prepared, content: Data) -> None:
    """Raises `Rejected` (signature.content) for content that is not the one that was prepared."""
    wanted = attributes.attribute(
        names.MESSAGE_DIGEST, tlv(OCTET_STRING, content.digest(SIGNER_DIGESTS[prepared.dtbs.scheme]))
    )
    if wanted not in [one.octets for one in ber.read(prepared.dtbs.octets).children()]:
        raise Rejected(
            "signature.content",
            "The content is not the one that the signature was prepared for: its digest differs.",
        )


def _signer(prepared: Prepared, value: bytes) -> bytes:
    """A SignerInfo (RFC 5652, 5.3), whose value is verified before."""
    dtbs = prepared.dtbs
    digest = SIGNER_DIGESTS[dtbs.scheme]
    algorithm = signature_algorithm(ber.read(SIGNATURES[dtbs.scheme]), digest)
    if not verifies(algorithm, value, dtbs.data, dtbs.certificate):
        raise Rejected(
            "signature.own",
            "The signature that was written does not verify. It is not given out: look at the key.",
        )
    return tlv(
        SEQUENCE,
        integer(1),
        _identifier(dtbs.certificate),
        hash_identifier(digest),
        context(0, ber.read(dtbs.octets).value),
        SIGNATURES[dtbs.scheme],
        tlv(OCTET_STRING, value),
    )


def _identifier(certificate: bytes) -> bytes:
    """IssuerAndSerialNumber, out of a certificate as it is encoded (RFC 5652, 10.2.4)."""
    try:
        fields = ber.read(certificate).children()[0].children()
        place = 1 if fields[0].tag == _CERTIFICATES else 0
        return tlv(SEQUENCE, fields[place + 2].octets, fields[place].octets)
    except IndexError:
        raise Malformed("The signer's certificate cannot be read.") from None


@implements("EN319122-1:6.3-GEN-CERTIFICATES", disabled=lambda _data, _certificates: [])
def new_certificates(data: SignedData, certificates: Sequence[bytes]) -> list[Insertion | Replacement]:
    """Puts certificates that a structure does not have into its set of them (RFC 5652, 5.1)."""
    there = {one.octets for one in data.certificates}
    return into_set(data, 0, [one for one in dict.fromkeys(certificates) if one not in there])


@implements("EN319122-1:6.3-GEN-LT", disabled=lambda _data, _number, _added: [])
def into_set(data: SignedData, number: int, added: Sequence[bytes]) -> list[Insertion | Replacement]:
    """Puts members into the set of certificates (0) or revocation data (1), made if it is not there."""
    if not added:
        return []
    for one in data.sets:
        if one.tag == 0xA0 | number:
            return [in_order(one, member) for member in sorted(added)]
    after = max([data.encapsulated.after, *(one.after for one in data.sets if one.tag < (0xA0 | number))])
    return [Insertion(_body(data), after, context(number, *sorted(added)))]


def _body(data: SignedData) -> ber.Element:
    """The SEQUENCE of SignedData: in a ContentInfo, or bare."""
    parts = data.content_info.children()
    return parts[1].children()[0] if parts[0].tag == 0x06 else data.content_info


def with_version(data: SignedData, version: int) -> list[Insertion | Replacement]:
    """Raises the version of a structure, where RFC 5652, 5.1 asks for a higher one than it has."""
    if data.version >= version:
        return []
    return [Replacement(_body(data).children()[0], integer(version))]


def _digest_algorithm(data: SignedData, digest: bytes) -> list[Insertion | Replacement]:
    dotted = {HASHES[name].oid for name in HASHES if hash_identifier(name) == digest}
    if any(one.children()[0].oid() in dotted for one in data.digest_algorithms):
        return []
    return [in_order(_body(data).children()[1], digest)]


def unsigned_attribute(signer: SignerInfo, added: bytes) -> Insertion:
    """Puts an unsigned attribute to a signer."""
    if signer.unsigned is None:
        return Insertion(signer.element, signer.element.end, context(1, added))
    return in_order(signer.unsigned, added)


def checked(
    before: bytes,
    data: SignedData,
    after: bytes,
    beside: Sequence[Data],
    *,
    signer: bool = False,
    stamp: bool = False,
    reading: Reading | None = None,
) -> bytes:
    """The structure after something was added, once it is sure that nothing was lost by it.

    `data` is what was read of the structure before; `signer`: a signer was added beside those that are there;
    `stamp`: a time-stamp was. Raises as `adding.check_added`.
    """
    # Each counter-signature is in an attribute of that type, each token is signed data in this structure.
    wrapped = data.content_info.children()[0].tag == OBJECT_IDENTIFIER
    most = Most(
        signatures=len(data.signers) + signer + before.count(oid(ids.COUNTER_SIGNATURE)),
        time_stamps=before.count(oid(names.SIGNED_DATA)) - wrapped + stamp,
        records=any(oid(one) in before for one in RECORDS),
    )
    if reading is None:
        reading = Reading(before=lambda: state(before, beside), after=lambda octets: state(octets, beside))
    check_added(reading.before, reading.after(after), most, stamp=stamp)
    return after


def state(structure: bytes, beside: Sequence[Data]) -> State:
    """What holds in a structure. Raises `Malformed`."""
    collector = Collector()
    read_cms(structure, collector, content=beside)
    return State.of(collector)

"""Unsigned attributes and validation data, added to a signer of ours or of others; BER stays as it is.

Level T: signature-time-stamp. LT: certificates and revocation data in the structure itself. LTA: an
archive-time-stamp-v3, whose index goes into the token. What an archive time-stamp is over is what the reader
says (`archive`). The older, extended forms are in `extended`.
Source: EN 319 122-1, 5.3, 5.4.1, 5.5.2, 5.5.3 and 6.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.adding import Begun, Reading, check_unbroken
from trustworks.formats.cades import archive
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cades.creating import attributes
from trustworks.formats.cades.creating.signature import (
    checked,
    into_set,
    new_certificates,
    signer_at,
    state,
    unsigned_attribute,
    with_version,
)
from trustworks.formats.cms.splicing import Insertion, Replacement, spliced
from trustworks.formats.cms.structure import SignedData, SignerInfo, read_signed_data
from trustworks.formats.data import Octets, hasher
from trustworks.formats.time_stamp import parse_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.ports import ValidationData
    from trustworks.formats.data import Data

_WITH_OTHER_REVOCATION: Final = 5
_UNLIMITED: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A structure with the signer that something is added to. `beside` is detached content.

    `below` leads to a counter-signature of the signer: one number for each level, from 0.
    """

    structure: bytes
    signer: int = 0
    below: tuple[int, ...] = ()
    beside: Sequence[Data] = ()


def octets_to_stamp(target: Target) -> bytes:
    """What a signature-time-stamp is over: the value (EN 319 122-1, 5.3). Raises `Malformed`, `Rejected`."""
    return _value(signer_in(target, read_signed_data(target.structure)))


def begin_time_stamp(target: Target) -> Begun:
    """A signature-time-stamp that waits for its token.

    Raises:
        Malformed: the structure cannot be read.
        Rejected: there is no such signer; of `Begun.complete` and `check_place` where something would be
            lost, or the token is none over the value.
    """
    data = read_signed_data(target.structure)
    signer = signer_in(target, data)

    def check_place() -> None:
        if _is_aside(data):
            return
        added = attributes.attribute(ids.SIGNATURE_TIME_STAMP, tlv(SEQUENCE))
        after = spliced(data.content_info, [unsigned_attribute(signer, added)])
        checked(target.structure, data, after, target.beside)

    def complete(token: bytes, reading: Reading | None = None) -> bytes:
        added = attributes.attribute(ids.SIGNATURE_TIME_STAMP, token_of(token))
        return stamped(target, data, signer, added, reading)

    return Begun(over=Octets(_value(signer)), check_place=check_place, complete=complete)


def begin_archive_time_stamp(target: Target, hash_name: str = "sha256") -> Begun:
    """An archive-time-stamp-v3 that waits for its token; raises as `begin_time_stamp`.

    And `Rejected` (``cades.content``) where the content is not at hand. The index of what it covers, which
    its token gets, is made of digests by that hash function, by which the token has to be too.
    """
    data = read_signed_data(target.structure)
    signer = signer_in(target, data)
    archived = archived_in(target, data)
    index = _index(archived, hash_name)
    read_index = archive.read_hash_index(ids.ATS_HASH_INDEX_V3, ber.read(index))
    over = next(iter(archive.v3_candidates(archived, read_index, hash_name)), None)
    if over is None:
        raise Rejected(
            "cades.content",
            "The content that was signed is not at hand; an archive time-stamp is over it. Give it.",
        )

    def complete(token: bytes, reading: Reading | None = None) -> bytes:
        own = read_signed_data(token_of(token))
        if len(own.signers) != 1:
            raise Malformed("This is no time-stamp token: it has not one signer.")
        kept = attributes.attribute(ids.ATS_HASH_INDEX_V3, index)
        with_index = spliced(own.content_info, [unsigned_attribute(own.signers[0], kept)])
        added = attributes.attribute(ids.ARCHIVE_TIME_STAMP_V3, with_index)
        return stamped(target, data, signer, added, reading)

    return Begun(over=over, check_place=lambda: None, complete=complete)


@implements("EN319122-1:5.3-GEN-TIME-STAMP", disabled=b"")
def _value(signer: SignerInfo) -> bytes:
    return signer.signature.string()


def _is_aside(data: SignedData) -> bool:
    """Whether nothing of the structure is over unsigned attributes: there are none of any signer yet."""
    return all(one.unsigned is None for one in data.signers)


def with_time_stamp(target: Target, token: bytes) -> bytes:
    """The structure with a signature-time-stamp, whose token is over `octets_to_stamp`.

    Raises:
        Malformed: the structure cannot be read.
        Rejected: there is no such signer, or the token is none over its value.
    """
    return begin_time_stamp(target).complete(token, None)


def with_values(target: Target, values: ValidationData) -> bytes:
    """The structure with certificates and revocation data (level LT), those that it does not have yet.

    Raises:
        Malformed: the structure cannot be read.
        Rejected: nothing is given; adding.broken where an older archive time-stamp is over all of it.
    """
    if not values:
        raise Rejected("cades.values", "No validation data is given.")
    data = read_signed_data(target.structure)
    others = [attributes.ocsp_other(one) for one in values.answers]
    there = {one.octets for one in data.crls}
    changes: list[Insertion | Replacement] = new_certificates(data, values.certificates)
    changes += into_set(data, 1, [one for one in dict.fromkeys([*values.lists, *others]) if one not in there])
    if others:
        changes += with_version(data, _WITH_OTHER_REVOCATION)
    return checked(target.structure, data, spliced(data.content_info, changes), target.beside)


def with_time_stamp_values(target: Target, values: ValidationData) -> bytes:
    """The structure with validation data in the token of the signer's newest archive time-stamp.

    For structures under an archive time-stamp of an older kind, which is over their certificates and
    revocation data (RFC 5126, 6.4.1): nothing is over the newest token yet.

    Raises:
        Malformed: the structure or the token cannot be read.
        Rejected: nothing is given; ``cades.archive``: there is no archive time-stamp; ``adding.broken``.
    """
    data = read_signed_data(target.structure)
    tokens = [
        value
        for one in signer_in(target, data).unsigned_attributes
        if one.type in ids.ARCHIVE_TIME_STAMPS
        for value in one.values
    ]
    if not tokens:
        raise Rejected(
            "cades.archive", "The signature has no archive time-stamp that data could be put into."
        )
    newest = max(tokens, key=lambda one: parse_token(one.octets).info.time)
    changed = with_values(Target(structure=newest.octets), values)
    after = spliced(data.content_info, [Replacement(newest, changed)])
    was, is_ = state(target.structure, target.beside), state(after, target.beside)
    check_unbroken(was, is_, {named for named, one in was.tokens.items() if one.der == newest.octets})
    return after


def octets_to_archive(target: Target, hash_name: str = "sha256") -> bytes:
    """What an archive-time-stamp-v3 is over, by tokens that use that hash function (EN 319 122-1, 5.5.3).

    Raises:
        Malformed: the structure cannot be read.
        Rejected: there is no such signer, or the content is not at hand.
    """
    return begin_archive_time_stamp(target, hash_name).over.octets()


def with_archive_time_stamp(target: Target, token: bytes, hash_name: str = "sha256") -> bytes:
    """The structure with an archive-time-stamp-v3; the index of what it covers is put into its token.

    Raises:
        Malformed: the structure or the token cannot be read.
        Rejected: as `octets_to_archive`, and where the token is not over it.
    """
    return begin_archive_time_stamp(target, hash_name).complete(token, None)


def with_policy_store(target: Target, document: bytes, specification: str) -> bytes:
    """The structure with signature-policy-store: the policy's document and its specification's OID (5.2.10).

    Raises:
        Malformed: the structure cannot be read.
        Rejected: there is no such signer.
    """
    data = read_signed_data(target.structure)
    store = tlv(
        SEQUENCE, attributes.identifier(specification, "a specification"), tlv(OCTET_STRING, document)
    )
    added = unsigned_attribute(
        signer_in(target, data), attributes.attribute(ids.SIGNATURE_POLICY_STORE, store)
    )
    return checked(target.structure, data, spliced(data.content_info, [added]), target.beside)


def stamped(
    target: Target, data: SignedData, signer: SignerInfo, attribute: bytes, reading: Reading | None = None
) -> bytes:
    """The structure with one more time-stamp, once it is sure that it is one and that nothing was lost."""
    after = spliced(data.content_info, [unsigned_attribute(signer, attribute)])
    return checked(target.structure, data, after, target.beside, stamp=True, reading=reading)


def token_of(token: bytes) -> bytes:
    """The token, which has to be one element and nothing behind it."""
    found = ber.read(token)
    if found.tag != SEQUENCE or found.after != len(token):
        raise Malformed("This is no time-stamp token.")
    return token


def signer_in(target: Target, data: SignedData) -> SignerInfo:
    """The signer that something is added to. Raises `Rejected` (cades.signer)."""
    return signer_at(data, target.signer, target.below)


def archived_in(target: Target, data: SignedData) -> archive.Archived:
    """What archive time-stamps of the signer look at. Raises `Rejected` (cades.signer)."""
    signer = signer_in(target, data)
    content = (
        Octets(data.content_octets() or b"") if data.content is not None else next(iter(target.beside), None)
    )
    return archive.Archived(data=data, signer=signer, content=content, budget=archive.Budget(_UNLIMITED))


def _empty(_archived: archive.Archived, hash_name: str) -> bytes:
    """An index of nothing."""
    return tlv(SEQUENCE, attributes.index_algorithm(hash_name), *(tlv(SEQUENCE) for _ in range(3)))


@implements("EN319122-1:5.5.2-GEN-INDEX", disabled=_empty)
def _index(archived: archive.Archived, hash_name: str) -> bytes:
    """ATSHashIndexV3: of certificates, revocation data, and each value of the unsigned attributes (5.5.2)."""
    algorithm = attributes.index_algorithm(hash_name)

    def digest(octets: bytes) -> bytes:
        running = hasher(hash_name)
        running.update(octets)
        return tlv(OCTET_STRING, running.digest())

    values = [
        encodings[0]
        for one in archived.signer.unsigned_attributes
        for _, encodings in archive.attribute_octets(archived, one, ids.ATS_HASH_INDEX_V3)
    ]
    return tlv(
        SEQUENCE,
        algorithm,
        tlv(SEQUENCE, *(digest(one.octets) for one in archived.data.certificates)),
        tlv(SEQUENCE, *(digest(one.octets) for one in archived.data.crls)),
        tlv(SEQUENCE, *(digest(one) for one in values)),
    )

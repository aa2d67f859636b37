"""The older, extended forms: references to validation data, values in attributes, time-stamps over them.

Level C: complete-certificate-references and complete-revocation-references. X: a CAdES-C time-stamp, or one
over the references alone. XL: certificate-values and revocation-values. A: an archive-time-stamp-v2, or v3
(`unsigned`). What each time-stamp is over is what the reader says (`archive`).
Source: EN 319 122-1, annex A.1; RFC 5126, 6.2 to 6.4; TS 101 733 V2.2.1, annex K.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import (
    OCTET_STRING,
    SEQUENCE,
    context,
    generalized_time,
    integer,
    tlv,
    x509_time,
)
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.ocsp_answer import OcspAnswer
from trustworks.core.pki.revocation_list import RevocationList
from trustworks.formats.adding import basic_response
from trustworks.formats.cades import archive
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cades.creating import attributes
from trustworks.formats.cades.creating.signature import checked, signer_of, unsigned_attribute
from trustworks.formats.cades.creating.unsigned import archived_in, stamped, token_of
from trustworks.formats.cms.splicing import spliced
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import hasher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.core.ports import ValidationData
    from trustworks.formats.cades.creating.unsigned import Target

_REFERENCES: Final = (ids.COMPLETE_CERTIFICATE_REFERENCES, ids.COMPLETE_REVOCATION_REFERENCES)


def with_references(
    target: Target, signer_certificate: bytes, data: ValidationData, *, hash_name: str = "sha256"
) -> bytes:
    """The structure with references to the certificates above the signer's, and to revocation data of all.

    The references to revocation data stand in the order of the certificates, the signer's first (RFC 5126,
    6.2.2); what is of none of them comes last. Of an OCSP answer the BasicOCSPResponse is digested, which is
    what revocation-values hold.

    Raises:
        Malformed: the structure, or some of the data, cannot be read.
        Rejected: there is no such signer, or it has such references already, or nothing is given.
    """
    if not data.certificates or not (data.lists or data.answers):
        raise Rejected(
            "cades.references", "References are to certificates and to revocation data; give both."
        )
    above = [one for one in dict.fromkeys(data.certificates) if one != signer_certificate]
    certificates = tlv(SEQUENCE, *(_certificate(one, hash_name) for one in above))
    revocation = tlv(SEQUENCE, *_revocation([signer_certificate, *above], data, hash_name))
    found = zip(_REFERENCES, (certificates, revocation), strict=True)
    return _with(target, [(kind, value) for kind, value in found])


def with_values_in_attributes(target: Target, data: ValidationData) -> bytes:
    """The structure with certificate-values and revocation-values (level XL).

    Raises:
        Malformed: the structure, or some of the data, cannot be read.
        Rejected: there is no such signer, or it has such values already, or nothing is given.
    """
    if not data:
        raise Rejected("cades.values", "No validation data is given.")
    lists = context(0, tlv(SEQUENCE, *data.lists)) if data.lists else b""
    answers = context(1, tlv(SEQUENCE, *map(basic_response, data.answers))) if data.answers else b""
    added = []
    if data.certificates:
        added.append((ids.CERTIFICATE_VALUES, tlv(SEQUENCE, *data.certificates)))
    if lists or answers:
        added.append((ids.REVOCATION_VALUES, tlv(SEQUENCE, lists, answers)))
    return _with(target, added)


def octets_to_stamp_references(target: Target, *, alone: bool = False) -> bytes:
    """What a CAdES-C time-stamp is over; `alone`: what one over the references alone is over.

    Raises:
        Malformed: the structure cannot be read.
        Rejected: there is no such signer, or it has no references.
    """
    signer = signer_of(read_signed_data(target.structure), target.signer)
    if not {one.type for one in signer.unsigned_attributes} & set(_REFERENCES):
        raise Rejected("cades.references", "The signer has no references that a time-stamp could be over.")
    return next(iter(archive.esc_candidates(signer, alone=alone))).octets()


def with_references_time_stamp(target: Target, token: bytes, *, alone: bool = False) -> bytes:
    """The structure with a time-stamp whose token is over `octets_to_stamp_references` (level X).

    Raises:
        Malformed: the structure or the token cannot be read.
        Rejected: as there, and ``adding.time-stamp`` where the token is none over that.
    """
    octets_to_stamp_references(target, alone=alone)
    kind = ids.CERTS_CRLS_TIME_STAMP if alone else ids.ESC_TIME_STAMP
    data = read_signed_data(target.structure)
    signer = signer_of(data, target.signer)
    return stamped(target, data, signer, attributes.attribute(kind, token_of(token)))


def octets_to_archive_v2(target: Target) -> bytes:
    """What an archive-time-stamp-v2 that is added now is over. Raises as `unsigned.octets_to_archive`."""
    archived = archived_in(target, read_signed_data(target.structure))
    found = next(iter(archive.v2_candidates(archived, archived.signer.unsigned_attributes)), None)
    if found is None:
        raise Rejected(
            "cades.content",
            "The content that was signed is not at hand; an archive time-stamp is over it. Give it.",
        )
    return found.octets()


def with_archive_time_stamp_v2(target: Target, token: bytes) -> bytes:
    """The structure with an archive-time-stamp-v2, for who reads no v3. Nothing may come in afterwards.

    Raises:
        Malformed: the structure or the token cannot be read.
        Rejected: as `octets_to_archive_v2`, and ``adding.time-stamp`` where the token is not over it.
    """
    data = read_signed_data(target.structure)
    signer = signer_of(data, target.signer)
    return stamped(target, data, signer, attributes.attribute(ids.ARCHIVE_TIME_STAMP_V2, token_of(token)))


def _with(target: Target, added: Sequence[tuple[str, bytes]]) -> bytes:
    """The structure with attributes that a signer has once."""
    structure = target.structure
    data = read_signed_data(structure)
    for kind, value in added:
        signer = signer_of(data, target.signer)
        if any(one.type == kind for one in signer.unsigned_attributes):
            raise Rejected("cades.references", "The signer has such an attribute already, and has it once.")
        change = unsigned_attribute(signer, attributes.attribute(kind, value))
        structure = spliced(data.content_info, [change])
        data = read_signed_data(structure)
    return checked(target.structure, data, structure, target.beside)


def _other_hash(octets: bytes, hash_name: str) -> bytes:
    """OtherHash with its algorithm (RFC 5126, 5.7.3.3)."""
    algorithm = attributes.index_algorithm(hash_name)
    running = hasher(hash_name)
    running.update(octets)
    return tlv(SEQUENCE, algorithm, tlv(OCTET_STRING, running.digest()))


def _certificate(der: bytes, hash_name: str) -> bytes:
    """OtherCertID, with issuer and number (RFC 5126, 6.2.1)."""
    read = Certificate.read(der)
    issuer = tlv(SEQUENCE, tlv(SEQUENCE, context(4, read.issuer.der)), integer(read.serial))
    return tlv(SEQUENCE, _other_hash(der, hash_name), issuer)


def _revocation(certificates: Sequence[bytes], data: ValidationData, hash_name: str) -> Iterator[bytes]:
    """A CrlOcspRef for each certificate: its issuer's lists, and the answers about it.

    One that is its own issuer is trusted by itself, so that its CrlOcspRef may be empty.
    """
    lists = {one: RevocationList.read(one) for one in dict.fromkeys(data.lists)}
    answers = {one: OcspAnswer.read(one) for one in dict.fromkeys(data.answers)}
    if any(one.produced_at is None for one in answers.values()):
        raise Malformed("An OCSP answer that is not successful says nothing that can be referred to.")
    used: set[bytes] = set()
    for der in certificates:
        of = Certificate.read(der)
        is_root = of.subject == of.issuer
        own_lists = [one for one, read in lists.items() if read.issuer == of.issuer and not is_root]
        own = [one for one, read in answers.items() if of.serial in {part.serial for part in read.responses}]
        used |= {*own_lists, *own}
        yield _crl_ocsp_ref([lists[one] for one in own_lists], [answers[one] for one in own], hash_name)
    rest = [read for one, read in lists.items() if one not in used]
    others = [read for one, read in answers.items() if one not in used]
    if rest or others:
        yield _crl_ocsp_ref(rest, others, hash_name)


def _crl_ocsp_ref(lists: Sequence[RevocationList], answers: Sequence[OcspAnswer], hash_name: str) -> bytes:
    parts = []
    if lists:
        found = [tlv(SEQUENCE, _other_hash(one.der, hash_name), _list_identifier(one)) for one in lists]
        parts.append(context(0, tlv(SEQUENCE, tlv(SEQUENCE, *found))))
    if answers:
        found = [
            tlv(SEQUENCE, _answer_identifier(one), _other_hash(basic_response(one.der), hash_name))
            for one in answers
        ]
        parts.append(context(1, tlv(SEQUENCE, tlv(SEQUENCE, *found))))
    return tlv(SEQUENCE, *parts)


def _list_identifier(one: RevocationList) -> bytes:
    number = b"" if one.number is None else integer(one.number)
    return tlv(SEQUENCE, one.issuer.der, x509_time(one.this_update), number)


def _answer_identifier(one: OcspAnswer) -> bytes:
    basic = ber.read(basic_response(one.der))
    # As the answer has it: version [0] before it, the responder by name or key, the time.
    fields = [part for part in basic.children()[0].children() if part.tag != 0xA0]
    if one.produced_at is None:
        raise Malformed("An OCSP answer that is not successful has no time.")
    return tlv(SEQUENCE, fields[0].octets, generalized_time(one.produced_at))

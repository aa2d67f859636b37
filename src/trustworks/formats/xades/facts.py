"""The facts by which levels are told apart, out of a signature that was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from trustworks.formats.evidence import ReferenceKind, TimeStampKind, Token
from trustworks.formats.verification import candidates_among, is_value_of
from trustworks.formats.verification.validation_data import (
    certificate_end,
    is_complete,
    is_self_issued,
    without_last_archive,
)
from trustworks.formats.xades import names, values
from trustworks.formats.xades.levels import Facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Signature, TimeStamp
    from trustworks.formats.xades.referring import Referred
    from trustworks.formats.xades.signed import Signed
    from trustworks.formats.xades.structure import Parts


def facts_of(  # noqa: PLR0917 - all that was read of a signature
    signature: Signature,
    parts: Parts,
    signed: Signed,
    referred: Sequence[Referred],
    stamps: Sequence[TimeStamp],
    collector: Collector,
) -> Facts:
    """What the levels look at. Certificates are looked into only where there are time-stamps."""
    unsigned = Counter(
        local
        for one in parts.unsigned
        for namespace, local in (names.split(str(one.tag)),)
        if names.is_xades(namespace)
    )
    signer, fits = _signer(signature, collector)
    in_time = [one.time for one in stamps if one.kind is TimeStampKind.SIGNATURE]
    facts = Facts(
        signed=signed,
        references=tuple(one.signed for one in referred),
        key_infos=parts.key_infos,
        canonicalizations=1
        if parts.signed_info is None
        else len(parts.signed_info.findall(names.CANONICALIZATION)),
        transforms_repeated=any(
            len(values.all_children(one.core.element, "Transforms")) > 1 for one in referred
        ),
        signer_in_key_info=signer is not None
        and signer in signature.key_info
        and (fits or is_value_of(signature, collector.token(signer) or b"")),
        signer_signed_in_key_info=signer is not None
        and signer in signature.key_info
        and any(one.kind is ReferenceKind.KEY_INFO and one.evidence.intact for one in referred),
        unsigned=MappingProxyType(dict(unsigned)),
        tokens=tuple(
            len(values.all_children(one, "EncapsulatedTimeStamp"))
            for one in parts.unsigned
            if names.split(str(one.tag))[1] == "SignatureTimeStamp"
        ),
        evidence_records=bool(signature.evidence_records),
        archived=any(one.kind is TimeStampKind.ARCHIVE for one in stamps),
    )
    if not in_time:
        return facts
    return _with_validation_data(facts, signature, signer, stamps, collector)


def _signer(signature: Signature, collector: Collector) -> tuple[str | None, bool]:
    """The id of the likeliest signing certificate, and whether nothing that is signed speaks against it."""
    for reference in signature.signing_certificate[:1]:
        named = collector.token_by_digest("C", reference.digest_algorithm, reference.digest)
        if named is not None:
            return named, True
    own = {
        named: Token(id=named, der=der, origins=())
        for named in signature.certificates
        if (der := collector.token(named)) is not None
    }
    likely = candidates_among(signature, own)
    return (likely[0].id, not signature.signing_certificate) if likely else (None, False)


def _with_validation_data(
    facts: Facts, signature: Signature, signer: str | None, stamps: Sequence[TimeStamp], collector: Collector
) -> Facts:
    archive = [one for one in stamps if one.kind is TimeStampKind.ARCHIVE]
    own = {name for one in archive[-1:] for name in one.signature.certificates}
    before = [name for name in signature.certificates if name not in own or name in signature.key_info]
    end = None if signer is None else certificate_end(collector.token(signer) or b"")
    return replace(
        facts,
        stamped_in_time=end is None
        or all(one.time < end for one in stamps if one.kind is TimeStampKind.SIGNATURE),
        only_self_signed=bool(before) and all(is_self_issued(collector.token(one) or b"") for one in before),
        validation_data=is_complete(
            signature,
            (one.signature for one in without_last_archive(stamps)),
            collector,
            certificates=signature.certificates,
            revocation=signature.revocation,
        ),
    )

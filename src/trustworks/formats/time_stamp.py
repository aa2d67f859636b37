"""Time-stamp tokens inside signatures (RFC 3161, RFC 5816), the same for every format."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import GENERALIZED_TIME, INTEGER, SEQUENCE
from trustworks.core.der.times import read_time
from trustworks.core.der.tsp import TST_INFO
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.formats.cms.algorithms import hash_name
from trustworks.formats.cms.signed import Content, read_signer
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.cms.tokens import take_attribute_values, take_certificates, take_revocation
from trustworks.formats.collector import identified
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Finding, Reference, ReferenceKind, TimeStamp, Weight, Where
from trustworks.formats.limits import DEFAULT

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.der.ber import Element
    from trustworks.formats.cms.structure import SignedData
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Scope, Signature, TimeStampKind
    from trustworks.formats.limits import Limits

_BOOLEAN: Final = 0x01
_GRANTED: Final = frozenset({0, 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class TstInfo:
    """What the unit signs (RFC 3161, 2.4.2), read leniently; `accuracy` in seconds."""

    policy: str
    imprint_algorithm: str
    imprint: bytes
    serial: int
    time: datetime
    accuracy: float | None
    ordering: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedToken:
    """A token that was parsed and is in no collector yet."""

    data: SignedData
    octets: bytes
    """Of the TSTInfo."""
    info: TstInfo


def parse_token(der: bytes, limits: Limits = DEFAULT) -> ParsedToken:
    """A token, or that in a TimeStampResp. Raises `Malformed` for what is none."""
    try:
        return _parsed(token_octets(der), limits)
    except IndexError:
        raise Malformed("This is no time-stamp token: a part of it is missing.") from None


def read_time_stamp(
    der: bytes | ParsedToken,
    collector: Collector,
    *,
    kind: TimeStampKind,
    over: Data | None,
    covers: frozenset[str],
    owner: str | None = None,
    form: str | None = None,
    references: tuple[Reference, ...] = (),
    scopes: tuple[Scope, ...] = (),
    file: str | None = None,
    limits: Limits = DEFAULT,
) -> TimeStamp:
    """Reads a token into `collector`. `over` is what its imprint is the digest of, None where that is absent.

    Its certificates and revocation data are taken by the collector, and are not added to `covers`: they came
    after it. `der` may be a TimeStampResp, too, or what `parse_token` made of it. Raises `Malformed` for what
    is no token.
    """
    collector.count_time_stamp(limits.time_stamps)
    parsed = der if isinstance(der, ParsedToken) else parse_token(der, limits)
    info, octets = parsed.info, parsed.data.content_info.octets
    collector.count_digested(0 if over is None else over.size, limits.digested)
    named = collector.fresh("T", octets)
    try:
        signature, findings = _signature(parsed.data, parsed.octets, collector, named, file)
    except IndexError:
        raise Malformed("This is no time-stamp token: a part of it is missing.") from None
    time_stamp = TimeStamp(
        id=named,
        kind=kind,
        der=octets,
        time=info.time,
        imprint_algorithm=info.imprint_algorithm,
        references=(_imprint(info, over, covers), *references),
        signature=signature,
        covers=covers,
        owner=owner,
        form=form,
        policy=info.policy,
        serial=info.serial,
        accuracy=info.accuracy,
        ordering=info.ordering,
        scopes=scopes,
        file=file,
        findings=findings,
    )
    collector.time_stamp(time_stamp)
    return time_stamp


def token_octets(der: bytes) -> bytes:
    """The token in a TimeStampResp; a token is given back as it is (RFC 3161, 2.4.2).

    Raises `Malformed` for an answer that grants none.
    """
    parts = ber.read(der).children()
    if not parts or parts[0].tag != SEQUENCE:
        return der
    status = parts[0].children()
    if not status or status[0].tag != INTEGER or status[0].integer() not in _GRANTED or len(parts) < 2:
        raise Malformed(
            "This answer of a time-stamping authority holds no token: it says that none is granted."
        )
    return parts[1].octets


def _parsed(der: bytes, limits: Limits) -> ParsedToken:
    data = read_signed_data(der, limits)
    octets = data.content_octets()
    if data.content_type != TST_INFO or octets is None:
        raise Malformed(f"This is no time-stamp token: it is signed data of the type {data.content_type}.")
    info = _tst_info(ber.read(octets, depth=limits.depth, elements=limits.elements))
    return ParsedToken(data=data, octets=octets, info=info)


def _tst_info(element: Element) -> TstInfo:
    """TSTInfo (RFC 3161, 2.4.2)."""
    parts = element.children()
    imprint = parts[2].children()
    accuracy: float | None = None
    ordering = False
    for part in parts[5:]:
        if part.tag == SEQUENCE and accuracy is None:
            accuracy = _accuracy(part)
        elif part.tag == _BOOLEAN:
            ordering = any(part.value)
    if parts[4].tag != GENERALIZED_TIME:
        raise Malformed("This is no time-stamp token: its genTime is no GeneralizedTime.")
    return TstInfo(
        policy=parts[1].oid(),
        imprint_algorithm=hash_name(imprint[0]),
        imprint=imprint[1].string(),
        serial=parts[3].integer(),
        time=read_time(parts[4]),
        accuracy=accuracy,
        ordering=ordering,
    )


def _accuracy(element: Element) -> float:
    """Seconds, with the thousandths and the millionths (RFC 3161, 2.4.2)."""
    total = 0
    for part in element.children():
        match part.tag:
            case 0x02:
                total += part.integer() * 1_000_000
            case 0x80:
                total += part.integer() * 1_000
            case 0x81:
                total += part.integer()
            case _:
                pass
    return min(max(total, 0), 10**15) / 1_000_000


def _imprint(info: TstInfo, over: Data | None, covers: frozenset[str]) -> Reference:
    actual = why = None
    if over is None:
        why = "What the time-stamp is over is not at hand, or could not be brought together."
    else:
        try:
            actual = over.digest(info.imprint_algorithm)
        except Rejected as error:
            why = str(error)
    return Reference(
        kind=ReferenceKind.IMPRINT,
        name=None if over is None else over.name,
        digest_algorithm=info.imprint_algorithm,
        expected=info.imprint,
        actual=actual,
        found=over is not None,
        intact=actual is not None and actual == info.imprint,
        covers=covers,
        why=why,
    )


def _signature(
    data: SignedData, octets: bytes, collector: Collector, named: str, file: str | None
) -> tuple[Signature, tuple[Finding, ...]]:
    """The token's own signature, over the TSTInfo, and what is wrong with the token around it."""
    if not data.signers:
        raise Malformed("This time-stamp token has no signer.")
    findings: list[Finding] = []
    if len(data.signers) > 1:
        findings.append(
            Finding(
                code="time-stamp.signers",
                text=f"The time-stamp token has {len(data.signers)} signers; it has to have one.",
                weight=Weight.FATAL,
                requirement="RFC3161:2.4.2-ONE-SIGNER",
            )
        )
    signer = data.signers[0]
    key_info = take_certificates(data, collector, named, Where.KEY_INFO)
    revocation = take_revocation(data, collector, named)
    certificates, values = take_attribute_values(signer.unsigned_attributes, collector, named, findings)
    content = Content(
        type=data.content_type, data=(Octets(octets, "TSTInfo"),), ids=(identified("D", octets),)
    )
    signature, _ = read_signer(
        signer, content, collector=collector, key_info=key_info, file=file, place=named.encode()
    )
    return replace(
        signature,
        level="CAdES-BES" if signature.signing_certificate else "CMS-NOT-ETSI",
        certificates=tuple(dict.fromkeys((*key_info, *certificates))),
        revocation=tuple(dict.fromkeys((*revocation, *values))),
    ), tuple(findings)

"""One JWS as one signature of the evidence graph, with its counter-signatures (TS 119 182-1)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.data import Joined, Octets
from trustworks.formats.evidence import (
    Finding,
    Format,
    Reference,
    ReferenceKind,
    Scope,
    ScopeKind,
    Signature,
    TimeStampKind,
    Weight,
    Where,
)
from trustworks.formats.jades import headers, jws, rules
from trustworks.formats.jades.base64url import decode, encode
from trustworks.formats.jades.completeness import by_value, end_of_certificate, has_validation_data
from trustworks.formats.jades.components import components
from trustworks.formats.jades.levels import Unsigned, level
from trustworks.formats.jades.signed_data import Signed, signed_data
from trustworks.formats.jades.unsigned import Gathered
from trustworks.formats.jades.values import items, members, octets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.jades.components import Component
    from trustworks.formats.jades.jws import Jws
    from trustworks.formats.limits import Limits


def read_signature(
    jws_: Jws,
    collector: Collector,
    *,
    detached: Sequence[Data],
    limits: Limits,
    file: str | None,
    countersigned: Signature | None = None,
) -> str:
    """Reads one signature and what is in it into `collector`; answers its id.

    Raises `Malformed` where there are too many.
    """
    if len(collector.signatures) >= limits.signatures:
        raise BeyondLimit(
            f"There are more than the {limits.signatures} signatures that are read.", "signatures"
        )
    signed = (
        _countersigned(jws_, countersigned)
        if countersigned
        else signed_data(jws_, collector, detached, limits)
    )
    over = Joined((Octets(jws_.header_sent + b"."), signed.payload or Octets(b"")))
    content = b"" if signed.payload is None else signed.payload.digest("sha256")
    named = collector.fresh("S", jws_.value, jws_.header_sent, content)
    parts, findings = components(jws_.unprotected, limits)
    found = Gathered(
        jws=jws_,
        named=named,
        collector=collector,
        limits=limits,
        data=signed.stamped,
        scopes=signed.scopes,
        signed=frozenset({named}) | signed.covers,
        file=file,
    )
    key_info = _key_info(jws_, found)
    signature = Signature(
        id=named,
        format=Format.JADES,
        level="JSON-NOT-ETSI",
        algorithm=headers.algorithm(jws_.header),
        value=jws_.value,
        signed=over,
        references=signed.references,
        attributes=headers.attributes(jws_.header, _stored_policy(parts)),
        scopes=signed.scopes,
        signing_certificate=headers.signing_certificate(jws_.header),
        identifier=headers.identifier(jws_.header),
        key_info=key_info,
        parent=countersigned.id if countersigned else None,
        file=file,
        findings=(
            *jws_.findings,
            *signed.findings,
            *_objections(jws_, parts, counter=countersigned is not None),
            *findings,
        ),
    )
    # Before what is inside it, so that it comes first in the order of the file.
    collector.signature(signature)
    _content_time_stamps(jws_, found)
    found.signed |= frozenset(key_info) | found.before
    found.take_values(parts)
    for number, part in enumerate(parts):
        found.component(number, parts)
        if part.name == "cSig":
            _counter_signature(part, number, signature, found)
    collector.signature(_complete(signature, found, parts))
    return named


def _key_info(jws_: Jws, found: Gathered) -> tuple[str, ...]:
    """Certificates of x5c, the signer's first (RFC 7515, 4.1.6)."""
    ids = []
    for value in items(jws_.header.get("x5c")):
        der = octets(value, "x5c")
        if der is None:
            found.note("jades.unreadable-value", "A certificate of x5c is not base64.")
            continue
        named = found.certificate(der, Where.KEY_INFO)
        if named not in ids:
            ids.append(named)
    return tuple(ids)


def _content_time_stamps(jws_: Jws, found: Gathered) -> None:
    """adoTst: time-stamps over the data, before it was signed (5.2.6)."""
    if "adoTst" in jws_.header:
        covers = found.signed - {found.named}
        found.stamp(
            jws_.header["adoTst"],
            TimeStampKind.CONTENT,
            over=found.data,
            covers=covers,
            form="adoTst",
            scopes=found.scopes,
        )


def _stored_policy(parts: Sequence[Component]) -> bytes | None:
    """The policy document in sigPSt (5.3.3)."""
    for part in parts:
        if part.name == "sigPSt":
            document = octets(members(part.value).get("sigPolDoc"), "sigPolDoc")
            if document is not None:
                return document
    return None


def _objections(jws_: Jws, parts: Sequence[Component], *, counter: bool) -> list[Finding]:
    header = jws_.header
    names = [part.name for part in parts]
    asked = (
        ("critical-not-understood", "RFC7515:4.1.11-UNDERSTOOD", rules.critical_not_understood(header)),
        ("critical-form", "RFC7515:4.1.11-CRIT", rules.critical_form(header)),
        ("critical-missing", "TS119182-1:5.1.9-CRIT", rules.critical_missing(header)),
        ("header-type", "RFC7515:4-TYPES", rules.wrong_type(header)),
        ("algorithm", "TS119182-1:5.1.2-ALG", rules.algorithm_missing(header)),
        ("x5t", "TS119182-1:5.1.7-X5T", rules.certificate_by_sha1(header)),
        ("etsiu-protected", "TS119182-1:5.3.1-ETSIU-UNSIGNED", rules.unsigned_in_protected(header)),
        ("unprotected", "TS119182-1:5.3.1-UNPROTECTED", rules.unprotected_others(jws_.unprotected)),
        ("etsiu-form", "TS119182-1:5.3.1-ETSIU", rules.unsigned_form(jws_.unprotected)),
        ("policy-store", "TS119182-1:6.3-SIGPST", rules.policy_store(header, names)),
        ("counter-type", "TS119182-1:5.3.2-CTY", rules.counter_signature_type(header, counter=counter)),
    )
    return [
        Finding(code=f"jades.{code}", text=text, weight=_weight(code), requirement=requirement)
        for code, requirement, text in asked
        if text is not None
    ]


def _weight(code: str) -> Weight:
    # RFC 7515, 4.1.11 and 5.2: what is critical and not understood, or cannot be verified at all, is invalid;
    # a reader may take what else is irregular.
    return Weight.FATAL if code in {"critical-not-understood", "algorithm"} else Weight.NOTE


def _complete(signature: Signature, found: Gathered, parts: Sequence[Component]) -> Signature:
    """The signature with what etsiU added."""
    reached = level(
        found.jws.header,
        Unsigned(
            components=[part.name for part in parts],
            stamps=found.signature_stamps,
            certificate_ends=end_of_certificate(signature, found.collector)
            if found.signature_stamps
            else None,
            revocation=has_validation_data(signature, found),
        ),
        counter=signature.parent is not None,
    )
    return replace(
        signature,
        level=reached,
        references=by_value(signature, found.collector),
        certificates=tuple(found.certificates),
        revocation=tuple(found.revocation),
        certificate_references=tuple(found.certificate_references),
        revocation_references=tuple(found.revocation_references),
        time_stamps=tuple(found.time_stamps),
        counter_signatures=tuple(found.counter_signatures),
        findings=(*signature.findings, *found.findings),
    )


def _countersigned(jws_: Jws, parent: Signature) -> Signed:
    """A counter-signature's payload is the value of the signature around it (5.3.2), given or implied."""
    value = Octets(parent.value, name=parent.name)
    sent: Data = value
    content = parent.value
    if jws_.payload is not None:
        sent = Octets(jws_.payload)
        content = jws_.payload
        if jws_.encoded:
            content = decode(jws_.payload.decode(), "The payload of the counter-signature")
    elif jws_.encoded:
        sent = Octets(encode(parent.value))
    # Without a payload of its own it is of this value or of none: only its own value can tell.
    given = jws_.payload is not None
    intact = content == parent.value
    reference = Reference(
        kind=ReferenceKind.COUNTER_SIGNED,
        name=parent.id,
        digest_algorithm="sha256" if given else None,
        expected=value.digest("sha256") if given else None,
        actual=hashlib.sha256(content).digest() if given else None,
        found=True,
        intact=intact,
        covers=frozenset({parent.id}) if intact else frozenset(),
        why=None if intact else "It signs another value than that of the signature that it stands in.",
    )
    scope = Scope(
        kind=ScopeKind.COUNTER_SIGNATURE,
        name=parent.id,
        text="The value of the signature that it stands in.",
        data=value,
        id=parent.id,
    )
    return Signed(
        payload=sent,
        stamped=sent,
        references=(reference,),
        scopes=(scope,) if intact else (),
        covers=reference.covers,
    )


def _counter_signature(
    part: Component,
    number: int,
    parent: Signature,
    found: Gathered,
) -> None:
    try:
        read, findings = _inner(part.value, found.limits)
        named = read_signature(
            read,
            found.collector,
            detached=(),
            limits=found.limits,
            file=found.file,
            countersigned=parent,
        )
    except RecursionError as error:
        raise BeyondLimit(f"Counter-signature {number + 1} nests deeper than is read.") from error
    except BeyondLimit:
        raise
    except Malformed as error:
        found.note(
            "jades.unreadable-counter-signature",
            f"Counter-signature {number + 1} cannot be read: {error}",
            Weight.SUSPICIOUS,
        )
        return
    found.findings.extend(findings)
    found.counter_signatures.append(named)
    found.before |= {named, *_inside(named, found.collector)}


def _inner(value: Any, limits: Limits) -> tuple[Jws, tuple[Finding, ...]]:
    if isinstance(value, str):
        try:
            read, findings = jws.parse(value.encode(), limits)
        except UnicodeEncodeError as error:
            raise Malformed("it has half a character.") from error
    else:
        read, findings = jws.from_object(value, (), limits)
    if len(read) != 1:
        raise Malformed("it has not just one signature.")
    return read[0], findings


def _inside(named: str, collector: Collector) -> set[str]:
    """Ids of what came with a counter-signature: an archive time-stamp over it covers them too."""
    for signature in collector.signatures:
        if signature.id == named:
            return {*signature.certificates, *signature.revocation, *signature.time_stamps}
    return set()

"""Reads one signature into the evidence graph.

Life of a signature here: its parts are found by place (`structure`), its tokens taken (`key_info`,
`unsigned`), its references resolved and told by kind (`referring`), its signed properties read
(`signed`); then time-stamps, counter-signatures and evidence records one after the other, for each
time-stamp covers what came before it (`properties`, `coverage`); at last its level (`facts`, `levels`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustworks.formats.data import Octets
from trustworks.formats.evidence import Finding, Format, ReferenceKind, Signature, Weight
from trustworks.formats.xades import structure
from trustworks.formats.xades.facts import facts_of
from trustworks.formats.xades.key_info import algorithm_of, identifier_of, take_certificates
from trustworks.formats.xades.levels import level_of
from trustworks.formats.xades.names import SIGNATURE, split
from trustworks.formats.xades.properties import Properties
from trustworks.formats.xades.referring import Referring, with_missing
from trustworks.formats.xades.signed import read_signed
from trustworks.formats.xades.unsigned import read_held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from trustworks.core.xml import dsig
    from trustworks.formats.xades.reader import Reader
    from trustworks.formats.xades.referring import Referred


def read_into(
    reader: Reader,
    core: dsig.Signature,
    named: str,
    value: etree._Element | None,
    parent: str | None,
) -> None:
    """Reads a signature, and what is inside it, into the reader's collector.

    `named` is its id; `value` and `parent` are as in `Reader.read`.
    """
    collector = reader.collector
    parts = structure.parts_of(core.element, reader.by_id)
    findings = [*structure.findings_of(parts, reader.by_id), *_problems(core)]
    key_info, lists = take_certificates(core, collector, named)
    held = tuple(read_held(split(str(one.tag))[1], one, collector, named) for one in parts.unsigned)
    findings += (
        Finding(
            code="xades.not-base64",
            text=f"The content of {name} is not in base64, and is left out.",
            weight=Weight.NOTE,
        )
        for name in dict.fromkeys(name for one in held for name in one.unreadable)
    )
    referring = Referring(reader, parts, value)
    referred = referring.all(core.signed_info.references)
    store = next((one for one in parts.unsigned if split(str(one.tag))[1] == "SignaturePolicyStore"), None)
    signed = read_signed(parts.signed_properties[0] if parts.signed_properties else None, store, collector)
    begun = Signature(
        id=named,
        format=Format.XADES,
        level="",
        algorithm=algorithm_of(core),
        value=core.value or b"",
        signed=Octets(core.octets or b""),
        references=tuple(
            with_missing(referred, is_xades=bool(parts.qualifying), is_counter_signature=value is not None)
        ),
        attributes=signed.attributes,
        scopes=tuple(scope for one in referred for scope in one.scopes),
        signing_certificate=signed.certificates,
        identifier=identifier_of(core, collector, key_info),
        key_info=key_info,
        certificates=tuple(dict.fromkeys([*key_info, *(name for one in held for name in one.certificates)])),
        revocation=tuple(dict.fromkeys([*lists, *(name for one in held for name in one.revocation)])),
        certificate_references=tuple(one for each in held for one in each.certificate_references),
        revocation_references=tuple(one for each in held for one in each.revocation_references),
        parent=parent,
        file=reader.file,
        name=parts.id,
    )
    # It is taken before what is inside it, as it stands before that in the file.
    collector.signature(begun)
    if parent is None and (countersigned := _countersigned(reader, referred)) is not None:
        begun = replace(begun, parent=countersigned)
    inside = Properties(reader, parts, begun, signed, referred, held)
    inside.read()
    stamps = inside.time_stamps
    finished = replace(
        begun,
        certificates=tuple(
            dict.fromkeys(
                [*begun.certificates, *(name for one in stamps for name in one.signature.certificates)]
            )
        ),
        revocation=tuple(
            dict.fromkeys([*begun.revocation, *(name for one in stamps for name in one.signature.revocation)])
        ),
        references=(*begun.references, *inside.renewed),
        time_stamps=tuple(one.id for one in stamps),
        counter_signatures=tuple(inside.counter_signatures),
        evidence_records=tuple(inside.records),
        findings=tuple(dict.fromkeys([*findings, *referring.findings, *inside.findings])),
    )
    facts = facts_of(finished, parts, signed, referred, stamps, collector)
    collector.signature(replace(finished, level=level_of(facts)))


def _problems(core: dsig.Signature) -> list[Finding]:
    # That KeyInfo is repeated is told by `structure`.
    return [
        Finding(code=f"xades.{one.code}", text=one.message, weight=Weight.SUSPICIOUS)
        for one in core.problems
        if one.code != "key-info.several"
    ]


def _countersigned(reader: Reader, referred: Sequence[Referred]) -> str | None:
    """The signature that one which stands for itself countersigns, by the type of its reference."""
    for one in referred:
        if one.kind is ReferenceKind.COUNTER_SIGNED and one.evidence.found and one.element is not None:
            other = one.element.getparent()
            if other is not None and other.tag == SIGNATURE:
                return reader.read(other)
    return None

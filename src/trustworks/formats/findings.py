"""The register of findings: every code that a reader of signed files may give, and what it was seen in.

A policy names findings by these codes (``[findings]``), so that one that is not here is refused by name, and
`evidence.Finding` takes no other. `docs/findings.md` is made from it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple


class Known(NamedTuple):
    """One kind of finding.

    `weights` are those that it may have (see `evidence.Weight`), the usual one first. `seen` says in one
    sentence what a reader saw. `unprotected`: by the standard the value of such a signature verifies nothing,
    whatever it computes to.
    """

    weights: tuple[str, ...]
    seen: str
    unprotected: bool = False


_FATAL: Final = ("fatal",)
_SUSPICIOUS: Final = ("suspicious",)
_NOTE: Final = ("note",)


def _void(seen: str) -> Known:
    return Known(_FATAL, seen, unprotected=True)


_CONTAINER: Final = {
    "asic.compression": Known(_FATAL, "A member is packed by a method that is not read."),
    "asic.critical-extension": Known(_FATAL, "A manifest has a critical extension that is not known."),
    "asic.damaged-member": Known(_FATAL, "A member cannot be unpacked, or is not what the directory says."),
    "asic.duplicate-member": Known(_FATAL, "Two members have one name, or names that some take for one."),
    "asic.encrypted-member": Known(_FATAL, "A member is encrypted."),
    "asic.evidence-record-unreadable": Known(_SUSPICIOUS, "A file with an evidence record cannot be read."),
    "asic.file-list": Known(
        _NOTE + _SUSPICIOUS, "META-INF/manifest.xml is unreadable, or lists other files."
    ),
    "asic.file-list-missing": Known(_FATAL, "ASiC-E with XAdES has no META-INF/manifest.xml."),
    "asic.header-differs": Known(_FATAL, "A member is described otherwise at its place than in the list."),
    "asic.hidden-data": Known(_SUSPICIOUS, "Between the members are octets that are in no member."),
    "asic.kinds": Known(_SUSPICIOUS, "ASiC-S has more than one file with signatures or time-stamps."),
    "asic.manifest-missing": Known(_FATAL + _SUSPICIOUS, "No manifest names what a signature is over."),
    "asic.manifest-unreadable": Known(_SUSPICIOUS, "A manifest cannot be read."),
    "asic.member-name": Known(_FATAL, "The name of a member leads out of the container."),
    "asic.mimetype": Known(_NOTE, "The member mimetype is not the first, or is packed."),
    "asic.no-object": Known(_FATAL, "ASiC-E holds no data object."),
    "asic.not-detached": Known(_FATAL, "A signature in the container holds content of its own."),
    "asic.one-object": Known(_FATAL, "ASiC-S holds none or more than one data object."),
    "asic.signature-unreadable": Known(_FATAL, "A file with signatures cannot be read."),
    "asic.time-stamp-unreadable": Known(_FATAL, "A file with a time-stamp cannot be read."),
    "asic.trailing-data": Known(_SUSPICIOUS, "There are octets after the end of the container."),
    "asic.two-directories": Known(_SUSPICIOUS, "The end of the container can be read as two directories."),
    "asic.two-manifests": Known(_SUSPICIOUS, "More than one manifest is about one signature or time-stamp."),
    "asic.unsigned": Known(_NOTE, "Nothing in the container is signed or time-stamped."),
    "asic.unsigned-member": Known(_SUSPICIOUS, "A data object in the container is covered by nothing."),
    "given.uncovered": Known(_SUSPICIOUS, "Of data that was given beside the file nothing is signed."),
}
_CMS: Final = {
    "cades.counter-signature-of-another": Known(_SUSPICIOUS, "A counter-signature is of another value."),
    "cades.counter-signature-unreadable": Known(_SUSPICIOUS, "A counter-signature cannot be read."),
    "cades.evidence-record-unread": Known(_NOTE, "An evidence record is in a structure too large for it."),
    "cades.evidence-record-unreadable": Known(_NOTE, "An attribute holds no evidence record that is read."),
    "cades.no-hash-index": Known(_SUSPICIOUS, "What an archive time-stamp is over cannot be told."),
    "cades.not-in-hash-index": Known(_NOTE, "An archive time-stamp does not cover all that is there."),
    "cades.policy-store-unreadable": Known(_NOTE, "The stored signature policy cannot be read."),
    "cades.references-unreadable": Known(_NOTE, "References to validation data cannot be read."),
    "cades.time-stamp-unreadable": Known(_NOTE, "An attribute holds no time-stamp that can be read."),
    "cms.attribute-repeated": _void("A signed attribute is there twice, or without one value."),
    "cms.attribute-unreadable": Known(_NOTE, "A signed attribute cannot be read."),
    "cms.attributes-not-der": Known(_NOTE, "The signed attributes are not in DER."),
    "cms.content-type": _void("The attribute content-type is not that of the content."),
    "cms.content-type-in-counter-signature": _void("A counter-signature has content-type."),
    "cms.no-message-digest": _void("No signed attribute is the digest of the content."),
    "cms.octets-after": Known(_NOTE, "After the signed data are octets that no signature covers."),
    "cms.other-algorithms": _void("The algorithms beside the signature are not those that it protects."),
    "cms.other-digest": Known(_NOTE, "The digest algorithm is not that of the signature algorithm."),
    "cms.signer-unreadable": Known(_FATAL, "A signer of the structure cannot be read."),
    "cms.values-unreadable": Known(_NOTE, "An attribute with validation data cannot be read."),
    "evidence-record.order": Known(_FATAL, "Archive time-stamps are not in the order of their times."),
    "time-stamp.signers": Known(_FATAL, "A time-stamp token has none or more than one signer."),
}
_JSON: Final = {
    "jades.algorithm": Known(_FATAL, "The protected header names no algorithm."),
    "jades.base64url": Known(_NOTE, "A part of the JWS is not base64url without padding."),
    "jades.boundaries": Known(_SUSPICIOUS, "Where one of several data objects ends is not signed."),
    "jades.counter-type": Known(_NOTE, "A counter-signature says of what type its content is."),
    "jades.critical-form": Known(_NOTE, "The header crit is not a list as RFC 7515 has it."),
    "jades.critical-missing": Known(_NOTE, "A header of JAdES that has to be in crit is not."),
    "jades.critical-not-understood": Known(_FATAL, "A critical header is not known."),
    "jades.duplicate-member": Known(_FATAL, "A member is twice in one object."),
    "jades.etsiu-form": Known(_NOTE, "The components of etsiU are not all of one kind."),
    "jades.etsiu-protected": Known(_NOTE, "etsiU is in the protected header."),
    "jades.header-twice": Known(_FATAL, "A header is both protected and not."),
    "jades.header-type": Known(_NOTE, "A header has another type of value than its standard says."),
    "jades.payload-beside-sigd": Known(_SUSPICIOUS, "There is sigD, and a payload as well."),
    "jades.payload-encoding": Known(_FATAL, "The payload is not encoded as the header says."),
    "jades.policy-store": Known(_NOTE, "A policy is stored whose digest is not signed."),
    "jades.sigd": Known(_FATAL, "sigD is not as TS 119 182-1 has it."),
    "jades.two-serializations": Known(_SUSPICIOUS, "The JWS is both flattened and general."),
    "jades.unknown-component": Known(_NOTE, "A component of etsiU is not known."),
    "jades.unprotected": Known(_NOTE, "The unprotected header has others than etsiU."),
    "jades.unreadable-component": Known(_NOTE, "A component of etsiU cannot be read."),
    "jades.unreadable-counter-signature": Known(_SUSPICIOUS, "A counter-signature cannot be read."),
    "jades.unreadable-signature": Known(_SUSPICIOUS, "One of the signatures of the JWS cannot be read."),
    "jades.unreadable-time-stamp": Known(_NOTE, "A time-stamp token cannot be read."),
    "jades.unreadable-value": Known(_NOTE, "A certificate or revocation value cannot be read."),
    "jades.x5t": Known(_NOTE, "The certificate is named by its SHA-1."),
}
_PDF: Final = {
    "pades.annotated": Known(_NOTE, "Annotations were made, changed or removed after signing, as permitted."),
    "pades.annotated-unpermitted": Known(
        _SUSPICIOUS, "Annotations were made, changed or removed after signing, and nothing permits that."
    ),
    "pades.annotation-overlap": Known(_SUSPICIOUS, "After signing an annotation was put over another one."),
    "pades.byte-range": _void("The byte range is not two ranges with one gap."),
    "pades.byte-range-collision": Known(_SUSPICIOUS, "Two signatures leave out the same octets."),
    "pades.byte-range-end": Known(_SUSPICIOUS, "The byte range does not end where a revision ends."),
    "pades.byte-range-gap": _void("The byte range leaves out more than the Contents."),
    "pades.contents": Known(_SUSPICIOUS, "The Contents of a signature field are no signature."),
    "pades.cross-references": Known(_NOTE, "Cross-reference sections are damaged."),
    "pades.dictionary-type": Known(_SUSPICIOUS, "Type and SubFilter of a signature do not go together."),
    "pades.doc-mdp": Known(_SUSPICIOUS, "More was changed after signing than the document permits."),
    "pades.encapsulated": Known(_SUSPICIOUS, "The CMS holds content of its own, which is not the document."),
    "pades.extended": Known(_NOTE, "Validation data, time-stamps or metadata were added after signing."),
    "pades.field-mdp": Known(_SUSPICIOUS, "Fields that a signature locks were changed after it."),
    "pades.form-changed": Known(_NOTE, "The form was filled in or signed after signing."),
    "pades.no-byte-range": Known(_SUSPICIOUS, "A signature has no byte range that names octets."),
    "pades.no-revision": Known(_FATAL, "What a signature covers is no document by itself."),
    "pades.page-count": Known(_FATAL, "Pages were added or removed after signing."),
    "pades.readers-disagree": Known(_NOTE, "Two readers of PDF see different things in the file."),
    "pades.shared-dictionary": Known(_SUSPICIOUS, "Several fields show the same signature."),
    "pades.signature-in-no-field": Known(_SUSPICIOUS, "A signature is in no field of the form."),
    "pades.signature-removed": Known(_SUSPICIOUS, "A signature of an earlier revision is gone."),
    "pades.signers": Known(_SUSPICIOUS, "The CMS of a signature has more than one signer."),
    "pades.store-stream": Known(_NOTE, "An entry of the document security store cannot be read."),
    "pades.twice": Known(_FATAL, "A signature dictionary has an entry twice."),
    "pades.undefined-change": Known(_SUSPICIOUS, "The document was changed where nothing permits it."),
    "pades.usage-rights": Known(_NOTE, "The document carries usage rights, which are no signature."),
    "pades.vri-time-stamp": Known(_NOTE, "The time-stamp of a VRI dictionary cannot be read."),
}
_XML: Final = {
    "xades.content-time-stamp-unsigned": Known(_SUSPICIOUS, "A time-stamp over data is not signed."),
    "xades.counter-signature-elsewhere": Known(_SUSPICIOUS, "A counter-signature is of something else."),
    "xades.counter-signature-partly": Known(_SUSPICIOUS, "Of a countersigned value only a part is signed."),
    "xades.duplicate-id": Known(_FATAL, "Several elements have an identifier that the signature refers to."),
    "xades.evidence-record-unreadable": Known(_NOTE, "A property holds no evidence record that is read."),
    "xades.key-info-partly": Known(_SUSPICIOUS, "Of KeyInfo only a part is signed."),
    "xades.manifest": Known(_SUSPICIOUS, "A signed ds:Manifest cannot be followed."),
    "xades.manifest-elsewhere": Known(_SUSPICIOUS, "A reference to a ds:Manifest leads somewhere else."),
    "xades.manifest-partly": Known(_SUSPICIOUS, "Of a ds:Manifest only a part is signed."),
    "xades.not-base64": Known(_NOTE, "A certificate or value is not in base64."),
    "xades.object-elsewhere": Known(_SUSPICIOUS, "A reference to a ds:Object leads somewhere else."),
    "xades.object-partly": Known(_SUSPICIOUS, "Of a ds:Object only a part is signed."),
    "xades.part-repeated": Known(_FATAL, "A part that there is one of is there twice."),
    "xades.program": Known(_FATAL, "What is signed is the output of a program of the signer (XSLT)."),
    "xades.qualifying-properties-elsewhere": Known(
        _SUSPICIOUS, "The qualifying properties are said to be outside of the document."
    ),
    "xades.qualifying-properties-repeated": Known(_FATAL, "There are several sets of qualifying properties."),
    "xades.signature-value.base64": Known(_SUSPICIOUS, "The SignatureValue is not in base64."),
    "xades.signed-info.canonicalisation": Known(_SUSPICIOUS, "SignedInfo cannot be canonicalised."),
    "xades.signed-properties-elsewhere": Known(
        _SUSPICIOUS, "The reference to signed properties leads somewhere else."
    ),
    "xades.signed-properties-untyped": Known(
        _NOTE, "The reference to signed properties does not say what it is to."
    ),
    "xades.target": Known(_FATAL + _NOTE, "The properties name another signature as theirs, or none."),
    "xades.time-stamp-cover": Known(_SUSPICIOUS, "What a time-stamp is over is not certain."),
    "xades.time-stamp-unreadable": Known(_SUSPICIOUS, "A time-stamp cannot be read."),
    "xades.unreadable": Known(_FATAL, "A signature of the document cannot be read."),
    "xades.xml-time-stamp": Known(_SUSPICIOUS, "A time-stamp in XML is not read."),
}
FINDINGS: Final = MappingProxyType(dict(sorted({**_CONTAINER, **_CMS, **_JSON, **_PDF, **_XML}.items())))
"""Every kind of finding by its code."""

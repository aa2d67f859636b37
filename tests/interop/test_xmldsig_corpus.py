"""Signed files of EU DSS's tests, and published trusted lists: digests and values, as is said of them.

The XML alone is looked at: what needs the rules of XAdES to be found wrong is named below.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from trustworks.core.errors import Malformed
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import Signature, decode, read_manifest, read_signature, signatures_in
from trustworks.core.xml.references import Resolved, resolve_all
from trustworks.core.xml.values import verify

# Certificates of these files have serial numbers and names that `cryptography` warns of.
pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore")]

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
CASES = CORPUS / "dss" / "cases.json"
LISTS = CORPUS / "trusted-lists"
VALID, INVALID = "all-signatures-cryptographically-valid", "crypto-or-data-fail(see columns)"

# Said to be valid, and not so: by file, with the reason.
NOT_VALID = {
    "XSW-enveloped-fake-content.xml": "the enveloped-signature transform leaves nothing of an element in the "
    "signature (XML Signature, 6.6.4; so does xmlsec1); Santuario takes all of it",
}
# Said to be invalid, and XML Signature has nothing against it.
VALID_AS_XML = {
    "Signature-X-AT-1.xml": "the value is by a certificate that is not the one the properties name",
    "xades-detached.xml": "the case gave another file under the name of the signed one",
    "xades-counter-signature-injected.xml": "a counter-signature is to a value that is not the parent's",
    "xades-counter-signature-no-type-invalid.xml": "a counter-signature is not to its parent's value",
    "xades-counter-signature-with-type-invalid.xml": "a counter-signature is not to its parent's value",
    "xades-fake-counter-signature.xml": "a counter-signature is not to its parent's value",
    "XSW-enveloping-fake-object.xml": "the signed object is no child of the signature",
    "disable-checks.xml": "what is said to be an object is none",
}


def keys_of(signature: Signature) -> list[object]:
    """Keys that may be the signer's: of KeyInfo, then of all certificates in the signature."""
    info = signature.key_info
    octets = list(info.certificates) if info else []
    octets += [decode(found) or b"" for found in signature.element.iter("{*}EncapsulatedX509Certificate")]
    keys: list[object] = [hint.key for hint in info.hints if hint.key is not None] if info else []
    for certificate in octets:
        try:
            keys.append(x509.load_der_x509_certificate(certificate).public_key())
        except ValueError:
            continue
    return keys


def looked_at(octets: bytes, detached: dict[str | None, Any]) -> list[tuple[bool, list[Resolved]]]:
    """Of each signature whether its value is a key's, and its references."""
    document = Document.of(octets)
    found: list[tuple[bool, list[Resolved]]] = []
    for element in signatures_in(document.root):
        try:
            signature = read_signature(element, document)
        except Malformed:
            found.append((False, []))
            continue
        resolved = resolve_all(signature.signed_info.references, document, detached)
        value = any(verify(signature, key).valid for key in keys_of(signature))
        found.append((value, list(resolved)))
        for manifest in element.iter("{*}Manifest"):
            # What a manifest names may be missing; it is read all the same.
            resolve_all(read_manifest(manifest), document, detached)
    return found


def is_valid(case: dict[str, Any]) -> bool | None:
    """Whether all signatures in XML of a case are whole; None where it has none."""
    octets = (CASES.parent / case["document"]).read_bytes()
    detached: dict[str | None, Any] = {
        Path(name).name: (CASES.parent / name).read_bytes() for name in case.get("detached", [])
    }
    files = [octets]
    if octets.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(octets)) as container:
            members = {name: container.read(name) for name in container.namelist()}
        detached = {name: members[name] for name in members}
        files = [
            members[name]
            for name in members
            if name.startswith("META-INF/") and "signature" in name.lower() and name.endswith(".xml")
        ]
    if not files:
        return None
    try:
        found = [one for file in files for one in looked_at(file, detached)]
    except Malformed:
        return False
    return bool(found) and all(value and all(one.intact for one in references) for value, references in found)


@pytest.mark.skipif(not CASES.exists(), reason="NOT TESTED, because ../shared/corpus/dss is absent")
def test_digests_and_values_are_as_the_cases_say() -> None:
    cases = [case for case in json.loads(CASES.read_text(encoding="utf-8")) if "xades/" in case["document"]]
    agreement: Counter[tuple[str, bool]] = Counter()
    surprises = []
    for case in cases:
        name = Path(case["document"]).name
        valid = is_valid(case)
        if valid is None:
            continue
        agreement[case["expect"], valid] += 1
        if case["expect"] == VALID and not valid and name not in NOT_VALID:
            surprises.append(f"not valid: {case['document']}")
        if case["expect"] == INVALID and valid and name not in VALID_AS_XML:
            surprises.append(f"valid: {case['document']} ({case['test_class']})")
    print(dict(agreement))  # noqa: T201 - how far the cases are agreed with
    assert surprises == []
    assert len(cases) >= 130


@pytest.mark.skipif(not LISTS.exists(), reason="NOT TESTED, because ../shared/corpus/trusted-lists is absent")
def test_published_trusted_lists_verify() -> None:
    files = sorted(LISTS.iterdir())
    found = {file.name: looked_at(file.read_bytes(), {}) for file in files if file.is_file()}
    assert len(found) >= 30
    assert {
        name
        for name, signatures in found.items()
        if len(signatures) != 1
        or not all(value and all(one.intact for one in references) for value, references in signatures)
    } == set()

"""Xmlsec1 judges: it verifies what is built here, and digests the same nodes.

Left out are expressions with position() and last(), which it counts over all nodes and not for each (XML
Signature, 6.6.3), the document node in XPath Filter 2.0, whose subtree it takes for empty, a union with what
was not there before (comments), and namespaces of attributes that were taken out before exclusive
canonicalisation.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from xml_signatures import METHODS, Signer, key, octets_of, signed

from trustworks.core.xml import algorithms as names
from trustworks.core.xml.algorithms import DS, ENC, MORE
from trustworks.core.xml.build import Wanted
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import read_signature, signatures_in
from trustworks.core.xml.parse import Limits
from trustworks.core.xml.references import resolve_all
from trustworks.core.xml.values import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="NOT TESTED, because there is no xmlsec1"),
]

# What Debian's xmlsec1 1.2.37 has of what is signed here.
KNOWN = [
    method
    for kind in ("rsa", "ec", "dsa")
    for method in METHODS[kind]
    if "MGF1" not in method and "sha3" not in method and method.startswith((DS, MORE, names.DS11))
]
CANONICAL = [
    names.C14N, names.C14N_COMMENTS, names.C14N11, names.C14N11_COMMENTS, names.EXCLUSIVE,
    names.EXCLUSIVE_COMMENTS,
]  # fmt: skip
BODY = (
    '<!-- before --><?style a?><doc xmlns="urn:d" xmlns:p="urn:p" xml:lang="de" xml:base="http://h/a/">'
    '<p:a Id="one" p:x="1" y="&lt;&#9;&#10;">t&#13;&amp;&gt;<b xml:space="preserve" xmlns="">u</b>'
    "<!-- c -->v</p:a>"
    '<p:a Id="two" x="2"><?pi d?><b xmlns:q="urn:q" xmlns:p="urn:p" q:z="1">w<q:c xml:base="b/"/></b>'
    "</p:a>"
    '<o Id="three">QUJD\nREVG</o>{signature}<tail/></doc><!-- behind -->'
)
IDS = [argument for name in ("a", "o") for argument in ("--id-attr:Id", name)]


def xmlsec1(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["xmlsec1", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for kind in ("rsa", "ec", "dsa"):
        private = key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{kind}.key").write_bytes(private)
        public = key(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{kind}.pub").write_bytes(public)
    return folder


def kind_of(method: str) -> str:
    return next(kind for kind, methods in METHODS.items() if method in methods)


@pytest.mark.parametrize("method", KNOWN)
def test_xmlsec1_verifies_what_is_built(method: str, keys: Path, tmp_path: Path) -> None:
    references = [
        Wanted(uri="", transforms=(names.ENVELOPED, names.C14N11)),
        *(Wanted(uri="#one", transforms=(algorithm,)) for algorithm in CANONICAL),
        Wanted(uri="#three", transforms=(names.BASE64,), digest=ENC + "sha512"),
    ]
    signature = signed(BODY.format(signature="").encode(), references, method, canonicalisation=names.C14N)
    file = tmp_path / "signed.xml"
    file.write_bytes(octets_of(signature))
    judged = xmlsec1("--verify", "--pubkey-pem", keys / f"{kind_of(method)}.pub", *IDS, file)
    assert judged.returncode == 0, judged.stderr
    file.write_bytes(file.read_bytes().replace(b">u</b>", b">U</b>"))
    assert xmlsec1("--verify", "--pubkey-pem", keys / f"{kind_of(method)}.pub", *IDS, file).returncode != 0


def template(references: Sequence[str], method: str, canonicalisation: str = names.C14N) -> str:
    return (
        f'<ds:Signature xmlns:ds="{DS}" Id="sig"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{canonicalisation}"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/>'
        f"{''.join(references)}</ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    )


def reference(uri: str, *transforms: str, digest: str = ENC + "sha256") -> str:
    inner = f"<ds:Transforms>{''.join(transforms)}</ds:Transforms>" if transforms else ""
    digested = f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/>'
    return f'<ds:Reference URI="{uri}">{inner}{digested}</ds:Reference>'


def transform(algorithm: str, inner: str = "") -> str:
    return f'<ds:Transform Algorithm="{algorithm}">{inner}</ds:Transform>'


def xpath(expression: str) -> str:
    return transform(names.XPATH, f"<ds:XPath>{expression}</ds:XPath>")


def filters(*given: tuple[str, str]) -> str:
    inner = (
        f'<f:XPath xmlns:f="{names.XPATH_FILTER2}" Filter="{operation}">{expression}</f:XPath>'
        for operation, expression in given
    )
    return transform(names.XPATH_FILTER2, "".join(inner))


def exclusive(algorithm: str, prefixes: str) -> str:
    inner = f'<e:InclusiveNamespaces xmlns:e="{names.EXCLUSIVE}" PrefixList="{prefixes}"/>'
    return transform(algorithm, inner)


def signed_by_xmlsec1(keys: Path, folder: Path, references: Sequence[str], method: str) -> Document:
    file, done = folder / "template.xml", folder / "signed.xml"
    file.write_text(BODY.format(signature=template(references, method)), encoding="utf-8")
    judged = xmlsec1("--sign", "--privkey-pem", keys / f"{kind_of(method)}.key", *IDS, "--output", done, file)
    assert judged.returncode == 0, judged.stderr
    # Some forty references with XPath are more than one file is given by default.
    return Document.of(done.read_bytes(), Limits(xpath_work=500_000_000))


@pytest.mark.parametrize("method", KNOWN)
def test_what_xmlsec1_signs_is_verified(method: str, keys: Path, tmp_path: Path) -> None:
    document = signed_by_xmlsec1(
        keys, tmp_path, [reference("", transform(names.ENVELOPED)), reference("#one")], method
    )
    signature = read_signature(next(signatures_in(document.root)), document)
    assert verify(signature, Signer(method).public_key).valid
    assert all(found.intact for found in resolve_all(signature.signed_info.references, document))


SELECTIONS = [
    transform(names.ENVELOPED),
    xpath("not(ancestor-or-self::ds:Signature)"),
    xpath(
        "count(ancestor-or-self::ds:Signature | here()/ancestor::ds:Signature[1]) &gt;"
        " count(ancestor-or-self::ds:Signature)"
    ),
    xpath("ancestor-or-self::p:a"),
    xpath("ancestor-or-self::p:a and not(self::text())"),
    xpath("self::text() and not(ancestor::ds:Signature)"),
    xpath("(self::p:a or self::b or parent::b) and not(ancestor::ds:Signature)"),
    xpath("not(ancestor-or-self::ds:Signature) and not(self::p:a) and not(parent::p:a and self::text())"),
    xpath("not(ancestor-or-self::ds:Signature) and not(name() = 'x' or name() = 'y')"),
    xpath("not(ancestor-or-self::ds:Signature) and not(self::processing-instruction())"),
    xpath("not(ancestor-or-self::ds:Signature) and string-length(local-name()) &lt; 6"),
    filters(("subtract", "//ds:Signature")),
    filters(("intersect", "//p:a"), ("subtract", "//b"), ("union", "//p:a/b/*")),
    filters(("subtract", "here()/ancestor::ds:Signature[1]")),
    filters(("intersect", "//p:a[1]"), ("union", "//*[local-name() = 'o']")),
    filters(("intersect", "//p:a/text() | //p:a/@*")),
    filters(("intersect", "/*/p:a/*")),
]


ADDED = filters(("subtract", "/*"), ("union", "/*/p:a"))
WITHOUT_P = xpath("not(ancestor-or-self::ds:Signature) and not(self::node()[name() = 'p'])")


@pytest.mark.parametrize("algorithm", CANONICAL)
def test_the_same_nodes_are_digested(algorithm: str, keys: Path, tmp_path: Path) -> None:
    """Every way to select nodes, in every canonical form, by references of one signature."""
    references = [
        *(reference("", selection, transform(algorithm)) for selection in SELECTIONS),
        *(
            reference("#xpointer(/)", selection, transform(algorithm))
            for selection in (*SELECTIONS[:4], ADDED)
        ),
        *(
            reference(uri, transform(algorithm))
            for uri in ("#one", "#two", "#three", "#xpointer(id('one'))", "#xpointer(id('two'))")
        ),
        reference("#one", xpath("not(self::text())"), transform(algorithm)),
        reference("#three", transform(names.BASE64), digest=ENC + "sha512"),
    ]
    if not algorithm.startswith(names.EXCLUSIVE):
        references.append(reference("", WITHOUT_P, transform(algorithm)))
    else:
        references += [
            reference(uri, exclusive(algorithm, prefixes))
            for uri in ("#one", "#two")
            for prefixes in ("p", "q none", "#default", "#default p")
        ]
    document = signed_by_xmlsec1(keys, tmp_path, references, MORE + "rsa-sha256")
    signature = read_signature(next(signatures_in(document.root)), document)
    assert verify(signature, key("rsa").public_key()).valid
    found = resolve_all(signature.signed_info.references, document)
    assert [references[number] for number, one in enumerate(found) if not one.intact] == []


@pytest.mark.parametrize("algorithm", CANONICAL)
def test_signed_info_is_canonicalised_alike(algorithm: str, keys: Path, tmp_path: Path) -> None:
    file, done = tmp_path / "template.xml", tmp_path / "signed.xml"
    method = MORE + "ecdsa-sha256"
    file.write_text(BODY.format(signature=template([reference("#one")], method, algorithm)), encoding="utf-8")
    assert xmlsec1("--sign", "--privkey-pem", keys / "ec.key", *IDS, "--output", done, file).returncode == 0
    document = Document.of(done.read_bytes())
    signature = read_signature(next(signatures_in(document.root)), document)
    assert verify(signature, key("ec").public_key()).valid

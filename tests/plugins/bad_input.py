"""Documents that cannot be signed, as the command and the service are given them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from signed_pdfs import document
from signing_house import XML, house, pdf

from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.model import Document, Format, PadesChoices, Request

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class BadInput:
    """A document, what is asked for by options of the command and by members of a message; what is said."""

    file: str
    make: Callable[[], bytes]
    words: str
    options: tuple[str, ...] = ()
    members: dict[str, Any] = field(default_factory=dict)


def certified() -> bytes:
    """A PDF that is certified so that nothing may follow."""
    request = Request(documents=(Document(data=pdf()),), format=Format.PADES, pades=PadesChoices(certify=1))
    person = house().person()
    made = Creation(means=house().means, terms=Terms(lab=True)).sign(request, person.signer, person.sign)
    return made.data.octets()


def placeholder() -> bytes:
    """A PDF with room for a signature that nobody put in."""
    return document().signed_with(contents=lambda _: b"").octets


def without_sections() -> bytes:
    """A PDF whose cross-reference section is nowhere."""
    octets = pdf().octets()
    at = octets.rindex(b"startxref")
    return octets[:at] + b"startxref\n7\n%%EOF\n"


def cut() -> bytes:
    """A PDF that ends in its middle."""
    octets = pdf().octets()
    return octets[: len(octets) // 2]


TEMPLATE: Final = b"""<ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
<ds:Reference URI=""><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
<ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>"""


def with_placeholder(inside: bytes) -> bytes:
    """XML with a ds:Signature that somebody began."""
    signature = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">%b</ds:Signature>' % inside
    end = XML.rindex(b"</")
    return XML[:end] + signature + XML[end:]


_BY_NAME: Final = {"packaging": "internally-detached", "xades": {"elements": ["b"]}}
CASES: Final = {
    "certified": BadInput(file="a.pdf", make=certified, words="certified so that no signature may follow"),
    "placeholder": BadInput(file="a.pdf", make=placeholder, words="placeholder"),
    "corrupt xref": BadInput(file="a.pdf", make=without_sections, words="cross-reference"),
    "cut": BadInput(file="a.pdf", make=cut, words="PDF"),
    "no pdf": BadInput(file="a.pdf", make=lambda: b"no PDF", words="PDF"),
    "identifier twice": BadInput(
        file="a.xml",
        make=lambda: XML.replace(b'"c"', b'"b"'),
        words="Several elements have the identifier",
        options=("--packaging", "internally-detached", "--element", "b"),
        members=_BY_NAME,
    ),
    "identifier nowhere": BadInput(
        file="a.xml",
        make=lambda: XML.replace(b'"b"', b'"d"'),
        words="No element of the document",
        options=("--packaging", "internally-detached", "--element", "b"),
        members=_BY_NAME,
    ),
    "signature that is none": BadInput(
        file="a.xml",
        make=lambda: with_placeholder(b""),
        words="never completed (The signature has no SignedInfo",
    ),
    "signature without a value": BadInput(
        file="a.xml", make=lambda: with_placeholder(TEMPLATE), words="never completed (it has no value"
    ),
    "no xml": BadInput(file="a.xml", make=lambda: b"<a>", words="XML"),
}

"""Elements of the validation report of TS 119 102-2, as its schema writes them."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.xml.algorithms import DIGEST_URIS
from trustworks.validation.model import Indication

if TYPE_CHECKING:
    from trustworks.formats.data import Data
    from trustworks.validation.model import Verdict

VR: Final = "http://uri.etsi.org/19102/v1.4.1#"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
TSL: Final = "http://uri.etsi.org/02231/v2#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
URN: Final = "urn:etsi:019102"
SHA256: Final = DIGEST_URIS["sha256"]
_MAIN: Final = {
    Indication.TOTAL_PASSED: "total-passed",
    Indication.TOTAL_FAILED: "total-failed",
    Indication.PASSED: "passed",
    Indication.FAILED: "failed",
    Indication.INDETERMINATE: "indeterminate",
}


def child(
    parent: etree._Element,
    name: str,
    text: str | None = None,
    *,
    namespace: str = VR,
    **attributes: str,
) -> etree._Element:
    """A new last child. What XML cannot hold is replaced: names in files of strangers hold anything."""
    element = etree.SubElement(parent, f"{{{namespace}}}{name}", attributes)
    if text is not None:
        element.text = "".join(one if _allowed(one) else "\N{REPLACEMENT CHARACTER}" for one in text)
    return element


def _allowed(character: str) -> bool:
    """Whether XML can hold it (XML 1.0, 2.2)."""
    code = ord(character)
    return code in {9, 10, 13} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def refer(parent: etree._Element, name: str, *identifiers: str) -> None:
    """A VOReference to validation objects."""
    child(parent, name, VOReference=" ".join(identifiers))


@implements("TS119441:SVP-8.2-02", disabled=lambda parent, _verdict: child(parent, "MainIndication", URN))
def status(parent: etree._Element, verdict: Verdict) -> None:
    """MainIndication and SubIndication, the same that every other form of the answer tells."""
    child(parent, "MainIndication", f"{URN}:mainindication:{_MAIN[verdict.indication]}")
    if verdict.sub_indication is not None:
        child(parent, "SubIndication", f"{URN}:subindication:{verdict.sub_indication.value}")


def digest_of_data(parent: etree._Element, data: Data) -> bool:
    """DigestAlgAndValue of data: SHA-256, or of data that is not here a digest that was given."""
    for name in ("sha256", *DIGEST_URIS):
        try:
            value = data.digest(name)
        except (Rejected, OSError):
            continue
        method_and_value(child(parent, "DigestAlgAndValue"), DIGEST_URIS[name], value)
        return True
    return False


def method_and_value(parent: etree._Element, method: str, value: bytes) -> None:
    """ds:DigestMethod and ds:DigestValue."""
    child(parent, "DigestMethod", namespace=DS, Algorithm=method)
    child(parent, "DigestValue", base64(value), namespace=DS)


def uri(identifier: str) -> str:
    """An OID as a URN; a URI as it is."""
    return f"urn:oid:{identifier}" if identifier.replace(".", "").isdecimal() else identifier


def base64(octets: bytes) -> str:
    """Base64 without line breaks."""
    return b64encode(octets).decode("ascii")

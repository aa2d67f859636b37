"""What must not stand in a document that is signed: the beginning of a signature that has no value.

Source: EN 319 102-1, 5.2.2: a file with a signature that cannot be read is no signed file to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.xml.dsig import read_signature
from trustworks.formats.xades import names

if TYPE_CHECKING:
    from trustworks.core.xml.document import Document


@implements("TRUSTWORKS:XML-PLACEHOLDER")
def has_no_placeholder(document: Document) -> None:
    """Refuses a document with a ds:Signature that is none, or has no value yet.

    Validators take the file for broken because of it, whatever else is signed in it, and the first
    ds:Signature for the one that is meant. Raises `Rejected` (``xades.placeholder``).
    """
    for element in document.root.iter(names.SIGNATURE):
        if names.is_in_record(element):
            continue
        try:
            begun = not read_signature(element, document, document.limits).value
            why = "it has no value"
        except BeyondLimit:
            raise
        except Malformed as error:
            begun, why = True, str(error).rstrip(".")
        if begun:
            raise Rejected(
                "xades.placeholder",
                f"In the document stands a ds:Signature that was begun and never completed ({why}). Complete "
                "that one first, take it out, or sign the document detached.",
            )

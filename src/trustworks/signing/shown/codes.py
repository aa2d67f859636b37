"""The register of findings: every code that a signer may be told, and how much it weighs.

Their sentences are in the catalogue below ``finding``; a test compares the two.
"""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.signing.shown.model import Finding, Weight

_NOTE: Final = Weight.NOTE
_WARNING: Final = Weight.WARNING
_OBJECTION: Final = Weight.OBJECTION

_ANY: Final = {
    "absent": _OBJECTION,
    "cut": _OBJECTION,
    "other-kind": _WARNING,
    "signed-already": _NOTE,
    "signatures-unread": _WARNING,
    "two-kinds": _OBJECTION,
}
_TEXT: Final = {
    "text.bidi": _WARNING,
    "text.bidi-override": _OBJECTION,
    "text.control": _WARNING,
    "text.encoding-guessed": _WARNING,
    "text.encoding-wrong": _WARNING,
    "text.invisible": _WARNING,
    "text.mixed-encodings": _OBJECTION,
    "text.mixed-scripts": _NOTE,
}
_JSON: Final = {
    "json.duplicate": _OBJECTION,
    "json.unread": _WARNING,
}
_IMAGE: Final = {
    "image.frames": _OBJECTION,
    "image.octets-after": _WARNING,
    "image.smaller": _NOTE,
    "image.transparent": _WARNING,
    "image.turned": _NOTE,
}
_HTML: Final = {
    "html.elsewhere": _OBJECTION,
    "html.hidden": _WARNING,
    "html.source": _WARNING,
    "html.script": _OBJECTION,
}
_XML: Final = {
    "xml.doctype": _OBJECTION,
    "xml.drawn": _WARNING,
    "xml.elsewhere": _OBJECTION,
    "xml.script": _OBJECTION,
    "xml.styled-bare": _NOTE,
    "xml.stylesheet-absent": _WARNING,
    "xml.stylesheet-beside": _WARNING,
    "xml.stylesheet-failed": _WARNING,
    "xml.stylesheet-kind": _NOTE,
    "xml.stylesheet-refused": _WARNING,
    "xml.unread": _OBJECTION,
}
_CONTAINER: Final = {
    "container.compression": _OBJECTION,
    "container.damaged-member": _OBJECTION,
    "container.duplicate-member": _OBJECTION,
    "container.elsewhere": _OBJECTION,
    "container.encrypted-member": _OBJECTION,
    "container.header-differs": _OBJECTION,
    "container.hidden-data": _WARNING,
    "container.macros": _OBJECTION,
    "container.member-name": _OBJECTION,
    "container.office": _OBJECTION,
    "container.programs": _OBJECTION,
    "container.trailing-data": _WARNING,
    "container.two-directories": _OBJECTION,
    "container.unopened": _OBJECTION,
}
_PDF: Final = {
    "pdf.action": _WARNING,
    "pdf.annotation-over": _WARNING,
    "pdf.annotation-print": _WARNING,
    "pdf.annotations": _NOTE,
    "pdf.damaged": _WARNING,
    "pdf.embedded-files": _WARNING,
    "pdf.encrypted": _NOTE,
    "pdf.fonts": _NOTE,
    "pdf.form": _NOTE,
    "pdf.hidden-text": _WARNING,
    "pdf.image-alternates": _WARNING,
    "pdf.launch": _OBJECTION,
    "pdf.layers": _WARNING,
    "pdf.layers-hidden": _OBJECTION,
    "pdf.layers-print": _OBJECTION,
    "pdf.links": _NOTE,
    "pdf.media": _OBJECTION,
    "pdf.elsewhere": _OBJECTION,
    "pdf.pages-undrawn": _OBJECTION,
    "pdf.pages-unlooked": _WARNING,
    "pdf.print-differs": _WARNING,
    "pdf.readers": _OBJECTION,
    "pdf.script": _OBJECTION,
    "pdf.text-invisible": _WARNING,
    "pdf.text-tiny": _WARNING,
    "pdf.unfollowed": _OBJECTION,
    "pdf.updates": _NOTE,
    "pdf.xfa": _WARNING,
    "pdf.xfa-dynamic": _OBJECTION,
}

WEIGHTS: Final = _ANY | _TEXT | _JSON | _IMAGE | _HTML | _XML | _CONTAINER | _PDF


def found(code: str, **values: object) -> Finding:
    """A finding of the register, with the values of its sentence. Raises KeyError for a code that is not."""
    return Finding(code=code, weight=WEIGHTS[code], values={name: str(one) for name, one in values.items()})


@implements("TRUSTWORKS:SHOWN-WHOLE", "TS119101:SCP-9", disabled=())
def cut(shown: int, of: int, what: str) -> tuple[Finding, ...]:
    """What is said where only the first of the characters, pages, nodes or files (`what`) are shown."""
    return (found("cut", shown=shown, of=of, what=what),) if shown < of else ()

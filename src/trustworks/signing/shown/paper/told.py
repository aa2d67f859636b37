"""What a PDF was found to do, hide and take from elsewhere, as findings for the signer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.formats.pades.second_reader import opened as opened_by_qpdf
from trustworks.signing.shown.codes import found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trustworks.signing.shown.model import Finding
    from trustworks.signing.shown.paper.facts import Facts

_COUNTED: Final = (
    ("scripts", "pdf.script"),
    ("launches", "pdf.launch"),
    ("media", "pdf.media"),
    ("elsewhere", "pdf.elsewhere"),
    ("files", "pdf.embedded-files"),
    ("alternates", "pdf.image-alternates"),
    ("annotations-print", "pdf.annotation-print"),
    ("annotations", "pdf.annotations"),
    ("fields", "pdf.form"),
    ("links", "pdf.links"),
)
_NAMED: Final = 8


@implements("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY", disabled=())
def told(facts: Facts) -> Iterator[Finding]:
    """The findings, each once."""
    for count, code in _COUNTED:
        if facts.counts[count]:
            yield found(code, count=facts.counts[count])
    for code, said in (
        ("pdf.xfa-dynamic", facts.xfa_dynamic),
        ("pdf.xfa", facts.xfa and not facts.xfa_dynamic),
        ("pdf.encrypted", facts.encrypted),
        ("pdf.damaged", facts.damaged),
    ):
        if said:
            yield found(code)
    for code, number in (("pdf.layers", facts.layers), ("pdf.updates", facts.updates)):
        if number:
            yield found(code, count=number)
    yield from _named(facts)


def _named(facts: Facts) -> Iterator[Finding]:
    for code, names in (
        ("pdf.layers-hidden", facts.layers_hidden),
        ("pdf.layers-print", facts.layers_print),
        ("pdf.fonts", facts.fonts),
    ):
        if names:
            yield found(code, names=_names(names))
    if facts.actions:
        yield found("pdf.action", kinds=_names(facts.actions))


def _names(names: Iterable[str]) -> str:
    listed = sorted(set(names))
    shown = ", ".join(one[:60] for one in listed[:_NAMED])
    return shown if len(listed) <= _NAMED else f"{shown} …"


@implements("TRUSTWORKS:SHOWN-KIND", "TS119101:SCP-7", disabled=())
def disagreeing(octets: bytes, ours: int | None, drawn: int) -> Iterator[Finding]:
    """Where PDFium, QPDF and our own reader do not find the same number of pages, or one finds nothing."""
    counts = {"PDFium": drawn}
    if ours is not None:
        counts["Trustworks"] = ours
    try:
        counts["QPDF"] = len(opened_by_qpdf(octets).pages)
    except (Malformed, RuntimeError, ValueError, KeyError, TypeError, AttributeError):
        counts["QPDF"] = 0
    if len(set(counts.values())) > 1:
        yield found("pdf.readers", why=", ".join(f"{name}: {count}" for name, count in counts.items()))

"""HTML as what it is: source text, which is never run here, and what a browser would do with it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.signing.shown.codes import found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.signing.shown.model import Finding

_HTML: Final = re.compile(
    r"\s*(?:<!--.*?-->\s*|<\?[^>]*>\s*)*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
_FETCHES: Final = frozenset({"src", "srcset", "background", "data", "poster", "action", "formaction", "code"})
_HIDES: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)|font-size\s*:\s*0",
    re.IGNORECASE,
)
_IN_STYLE: Final = re.compile(r"url\(|@import", re.IGNORECASE)
_HEAD: Final = 4096


def is_html(text: str) -> bool:
    """Whether text begins as HTML does; XML that has its own declaration is XML."""
    return not text.startswith("<?xml") and _HTML.match(text[:_HEAD]) is not None


class _Looking(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts = self.elsewhere = self.hidden = 0
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.scripts += tag in {"script", "object", "embed", "applet"}
        for name, given in attrs:
            value = (given or "").strip()
            self.scripts += name.startswith("on") or value[:11].lower() == "javascript:"
            fetched = name in _FETCHES or (tag in {"link", "use", "image"} and name.endswith("href"))
            self.elsewhere += fetched and bool(value) and not value.startswith(("#", "data:"))
            self.elsewhere += name == "style" and _IN_STYLE.search(value) is not None
            self.hidden += name == "hidden" or (name == "style" and _HIDES.search(value) is not None)
        self.elsewhere += tag in {"iframe", "frame", "base"} or (
            tag == "meta" and any(name == "http-equiv" and value == "refresh" for name, value in attrs)
        )

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.elsewhere += _IN_STYLE.search(data) is not None
            self.hidden += _HIDES.search(data) is not None


@implements("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY", disabled=())
def looked_at(text: str) -> tuple[Finding, ...]:
    """What a browser would run, fetch or hide."""
    seen = _Looking()
    seen.feed(text)
    seen.close()
    findings = [found("html.source")]
    for code, count in (
        ("html.script", seen.scripts),
        ("html.elsewhere", seen.elsewhere),
        ("html.hidden", seen.hidden),
    ):
        if count:
            findings.append(found(code, count=count))
    return tuple(findings)

"""What a browser is shown when it is refused: a page that says why, in the look of the other pages."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from trustworks.core.http import RawResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

HTML: Final = "text/html; charset=utf-8"
_TEXT: Final = "text/plain"
_HEADINGS: Final = {
    400: "That cannot be read",
    403: "That is refused",
    404: "There is nothing at this address",
    405: "This address is not asked that way",
    408: "That came too slowly",
    413: "That is too much",
    415: "That is of another kind than is taken here",
    429: "That was asked too often",
    500: "Something went wrong here",
    503: "Not now",
}
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    ("cache-control", "no-store"),
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("vary", "accept"),
    ("x-frame-options", "DENY"),
)


def is_browser(accept: str) -> bool:
    """Whether who sends this Accept header reads pages; programs that speak a protocol do not ask for any."""
    return "text/html" in accept.lower()


class ErrorPages:
    """Draws the pages. `inside`: the reader is one to whom the status page is shown, and it is linked."""

    def __init__(self, *, banners: Sequence[tuple[str, str]], version: str, inside: bool) -> None:
        self._values = {"banners": tuple(banners), "version": version, "inside": inside}

    @cached_property
    def _template(self) -> Template:
        from trustworks.app.web.drawing import environment  # noqa: PLC0415 - protocols do not wait for it

        return environment("trustworks.app.web").get_template("error.html")

    def page(self, status: int, sentence: str) -> str:
        """The page of a status, with the sentence that a program would get."""
        heading = _HEADINGS.get(status, "That did not succeed")
        return self._template.render(status=status, heading=heading, sentence=sentence, **self._values)

    def shown(self, answer: RawResponse, accept: str) -> RawResponse:
        """The answer as who sends this Accept header gets it.

        Only an error in plain text becomes a page, and only for a browser: a protocol's own answer stays.
        """
        plain = answer.status in _HEADINGS and answer.content_type.startswith(_TEXT)
        if not plain or not is_browser(accept):
            return answer
        ours = {name for name, _ in _HEADERS}
        kept = [(name, value) for name, value in answer.headers if name.lower() not in ours]
        page = self.page(answer.status, answer.body.decode("utf-8", "replace").strip())
        return RawResponse(answer.status, HTML, page.encode(), (*kept, *_HEADERS))

"""A server that shows documents to a signer, as the route of signing does, for a browser to look at."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import TYPE_CHECKING, Final

from trustworks.app.web.shown import WIDTH, Addresses, environment, page_text
from trustworks.core.pages import style_sheet
from trustworks.formats.data import Octets
from trustworks.signing.shown.model import Members, Picture
from trustworks.signing.shown.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.signing.shown.model import Shown

# What a browser is asked about a page: is it wider than the screen, did it compare, is text hard to read.
WIDE: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OUTCOME: Final = "document.querySelector('.compare').dataset.outcome"
CONTRAST: Final = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255, 255];
  };
  const low = [];
  for (const one of document.querySelectorAll("main *, footer *")) {
    const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !one.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(one.textContent.trim().slice(0, 40) + " " + one.className);
  }
  return low;
})()"""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE = """{% extends "base.html" %}
{% import "shown.html" as signer with context %}
{% block title %}Sign {{ shown.name }}{% endblock %}
{% block more %}<link rel="stylesheet" href="/static/forms.css">
<link rel="stylesheet" href="/static/shown.css">
<script src="/static/shown.js" defer></script>{% endblock %}
{% block content %}
<h1>Sign {{ signer.drawn(shown.name) }}</h1>
{{ signer.whole(shown, at) }}
<form>{{ signer.ticks(shown) }}<button class="primary">Sign</button></form>
{% endblock %}
"""


class Bench:
    """Documents by number; `served` are the octets that are given out for them, which may be others."""

    def __init__(self) -> None:
        self.viewer = Viewer()
        self.templates = environment("trustworks.app.web")
        self.documents: list[tuple[str, bytes]] = []
        self.served: dict[int, bytes] = {}

    def add(self, name: str, octets: bytes) -> str:
        """The path of a document's page."""
        self.documents.append((name, octets))
        return f"/{len(self.documents) - 1}"

    def shown(self, number: int, within: tuple[str, ...] = ()) -> Shown:
        name, octets = self.documents[number]
        return self.viewer.shown(Octets(octets, name), name, within=within)

    def html(self, shown: Shown, base: str) -> str:
        """The page of a document."""
        template = self.templates.from_string(PAGE)
        return template.render(shown=shown, at=Addresses(base), banners=(), version="0", inside=False)

    def answer(self, path: str) -> tuple[str, bytes] | None:  # noqa: PLR0911 - one for each address
        """Media type and octets."""
        if path.startswith("/static/"):
            return static(path.removeprefix("/static/"))
        first, _, rest = path.removeprefix("/").partition("/")
        if not first.isdecimal() or int(first) >= len(self.documents):
            return None
        number = int(first)
        name, octets = self.documents[number]
        data = Octets(octets, name)
        match rest.replace(".", "/").split("/"):
            case [""]:
                return "text/html; charset=utf-8", self.html(self.shown(number), f"/{number}").encode()
            case ["document"]:
                return "application/octet-stream", self.served.get(number, octets)
            case ["pages", page, "png"]:
                return "image/png", self.viewer.page(data, int(page), WIDTH).png
            case ["pages", page, "html"]:
                text = page_text(self.templates, self.viewer.page(data, int(page), WIDTH))
                return "text/html; charset=utf-8", text.encode()
            case ["picture", "png"]:
                return "image/png", next(
                    one.png for one in self.shown(number).parts if isinstance(one, Picture)
                )
            case ["members", member]:
                listed = next(one for one in self.shown(number).parts if isinstance(one, Members))
                within = (listed.members[int(member) - 1].name,)
                html = self.html(self.shown(number, within), f"/{number}/members/{member}")
                return "text/html; charset=utf-8", html.encode()
        return None


def static(name: str) -> tuple[str, bytes]:
    """Media type and octets of what pages need."""
    kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[name.rpartition(".")[2]]
    if name == "style.css":
        return kind, style_sheet()
    return kind, resources.files("trustworks.app.web").joinpath("static", name).read_bytes()


@contextmanager
def serving(bench: Bench) -> Iterator[str]:
    """The address of the bench on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = bench.answer(self.path)
            kind, octets = found or ("text/plain", b"nothing")
            self.send_response(200 if found else 404)
            for name, value in (
                ("content-type", kind),
                ("content-length", str(len(octets))),
                ("content-security-policy", POLICY),
                ("x-content-type-options", "nosniff"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's own name
            del format

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        bench.viewer.close()

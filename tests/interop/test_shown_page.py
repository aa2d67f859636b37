"""A browser looks at a document as its signer is shown it, compares digests, and is used by its keyboard."""

from __future__ import annotations

import io
import os
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from chromium import Chromium, find_browser
from PIL import Image
from shown_pdfs import pdf
from shown_testbed import CONTRAST, OUTCOME, WIDE, Bench, serving
from signed_pdfs import document

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

HOSTILE: Final = (
    "</title><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
)
SAID: Final = "document.querySelector('.compare .said').textContent"


@pytest.fixture(scope="module")
def bench() -> Iterator[tuple[Bench, str]]:
    made = Bench()
    with serving(made) as address:
        yield made, address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find_browser()
    if program is None:
        pytest.skip("NOT TESTED, because there is no Chromium: tools/setup tests gets it")
    with Chromium(program, tmp_path_factory.mktemp("browser") / "profile") as found:
        yield found


def choose(browser: Chromium, file: Path) -> None:
    """Choose a file as a person does in the dialogue of the browser."""
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    field = browser.call("DOM.querySelector", nodeId=root, selector="#shown-own")["nodeId"]
    browser.call("DOM.setFileInputFiles", nodeId=field, files=[str(file)])


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (60, 40), (20, 90, 160, 120)).save(out, "PNG")
    return out.getvalue()


def packed() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("contract.txt", "I owe nothing.")
        archive.writestr("setup.exe", "x")
        archive.writestr(HOSTILE, "x")
    return out.getvalue()


SHEET: Final = (
    '<xsl:stylesheet id="look" version="1.0" xmlns="" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
    '<xsl:template match="/"><html><body><h1>Contract</h1><p onclick="x()">You owe '
    '<b><xsl:value-of select="//sum"/></b></p></body></html></xsl:template></xsl:stylesheet>'
)
DOCUMENTS: Final = {
    "contract.pdf": document().signed_with(entries=b"/M (D:20260504030201Z) /Reason (I agree)").octets,
    "hidden.pdf": pdf(b"1 1 1 rg BT /F1 12 Tf 20 100 Td (You owe 1,000,000.) Tj ET"),
    HOSTILE: f"{HOSTILE} pay \u202e001 EUR, p\u0430y\n".encode() + b"x" * 300,
    "contract.json": b'{"to": "' + HOSTILE.replace('"', "'").encode() + b'", "sum": 1, "sum": 100}',
    "contract.xml": (
        f'<?xml-stylesheet type="text/xsl" href="#look"?><a xmlns="urn:x" b="{"long" * 60}">{SHEET}'
        f'<sum xmlns="">100</sum><!--{HOSTILE.replace("--", "")}--><c><d>x</d>y</c></a>'
    ).encode(),
    "contract.html": b"<html><script>document.title = 'owned'</script><p>I owe nothing.",
    "stamp.png": png(),
    "all.zip": packed(),
    "unknown.bin": b"\0\1\2\3" * 50,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_kind_is_shown_whole_on_small_screens_and_nothing_of_it_runs(
    name: str, bench: tuple[Bench, str], browser: Chromium
) -> None:
    served, address = bench
    path = served.add(name, DOCUMENTS[name])
    size = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    browser.go(address + path)
    assert browser.run(WIDE) <= 0
    assert browser.run("document.title") == f"Sign {name}"
    assert browser.run("[...document.scripts].map((one) => one.getAttribute('src'))") == ["/static/shown.js"]
    assert browser.run("document.documentElement.lang") == "en"
    # Headings go down one level at a time, pictures have words, and ids are there once.
    headings = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')]"
    levels = browser.run(f"{headings}.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert browser.run("[...document.images].every((one) => one.hasAttribute('alt'))")
    assert browser.run(
        "[...document.querySelectorAll('[id]')].every("
        "(one) => document.querySelectorAll('#' + one.id).length === 1)"
    )
    browser.call("Emulation.clearDeviceMetricsOverride")
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.call("Emulation.setEmulatedMedia", features=features)
        assert browser.run(CONTRAST) == [], scheme
    browser.call("Emulation.setEmulatedMedia", features=[])
    folder = os.environ.get("TRUSTWORKS_SCREENSHOTS")
    if folder:
        browser.screenshot(Path(folder) / f"shown-{list(DOCUMENTS).index(name)}.png")


@pytest.mark.req("TRUSTWORKS:SHOWN-DIGEST")
def test_the_browser_compares_the_file_of_the_signer(
    bench: tuple[Bench, str], browser: Chromium, tmp_path: Path
) -> None:
    served, address = bench
    octets = b"I owe nothing.\n" * 10_000
    same, other = tmp_path / "same.txt", tmp_path / "other.txt"
    same.write_bytes(octets)
    other.write_bytes(octets[:-1] + b" ")
    browser.go(address + served.add("contract.txt", octets))
    choose(browser, other)
    browser.until(f"{OUTCOME} === 'differs'")
    assert "another file" in browser.run(SAID)
    choose(browser, same)
    browser.until(f"{OUTCOME} === 'same'")
    assert "digests are the same" in browser.run(SAID)
    computed = browser.run("document.querySelector('.computed code').textContent")
    assert computed.replace(" ", "") == served.shown(len(served.documents) - 1).digests["sha256"]


@pytest.mark.req("TRUSTWORKS:SHOWN-DIGEST")
def test_the_browser_compares_what_it_gets_and_saves_those_octets(
    bench: tuple[Bench, str], browser: Chromium
) -> None:
    served, address = bench
    octets = b"I owe nothing."
    path = served.add("contract.txt", octets)
    browser.go(address + path)
    browser.tab_to("Get the document from here and compare")
    browser.press("Enter")
    browser.until(f"{OUTCOME} === 'same'")
    link = "document.querySelector('.save a')"
    assert browser.run(f"fetch({link}.href).then((one) => one.text()).catch(() => 'blocked')") in {
        octets.decode(),
        "blocked",  # by the page's own policy: scripts may not read what people may save
    }
    assert browser.run(f"{link}.download") == "contract.txt"
    # A server that gives out something else is found out.
    served.served[int(path[1:])] = b"I owe everything."
    browser.press("Enter")
    browser.until(f"{OUTCOME} === 'differs'")
    assert browser.run("document.querySelector('.save').hidden")


def test_all_of_it_is_reached_by_the_keyboard_in_the_order_of_reading(
    bench: tuple[Bench, str], browser: Chromium
) -> None:
    served, address = bench
    browser.go(address + served.add("a\u202e.pdf", pdf()))
    for what in ("Skip to the content", "Your copy", "Get the document", "Page 1 as text"):
        browser.tab_to(what)
    browser.press("Enter")
    browser.until("!!document.querySelector('.page-text pre')")
    assert browser.run("document.querySelector('.page-text pre').textContent").strip() == "You owe nothing."
    browser.tab_to("turn the order of letters around")
    browser.press(" ")
    assert browser.run("document.querySelector('form').checkValidity()")
    browser.tab_to("Sign")


def test_the_text_of_a_page_says_what_is_hidden_on_it(bench: tuple[Bench, str], browser: Chromium) -> None:
    served, address = bench
    browser.go(address + served.add("hidden.pdf", DOCUMENTS["hidden.pdf"]))
    browser.run("document.querySelector('details').open = true")
    browser.until("!!document.querySelector('.page-text .told')")
    assert "cannot be seen" in browser.run("document.querySelector('.page-text').textContent")


def test_a_file_of_a_container_has_a_page_of_its_own(bench: tuple[Bench, str], browser: Chromium) -> None:
    served, address = bench
    browser.go(address + served.add("all.zip", DOCUMENTS["all.zip"]))
    browser.follow("contract.txt")
    assert browser.run("document.querySelector('.shown-text').textContent").strip() == "I owe nothing."


def test_without_scripts_all_is_there_but_the_comparison(bench: tuple[Bench, str], browser: Chromium) -> None:
    served, address = bench
    path = served.add("contract.pdf", pdf())
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.call("Page.navigate", url=address + path)
        browser.until("document.readyState === 'complete' && !!document.querySelector('noscript')")
        seen: Any = browser.run("document.body.innerText")
        assert "Without scripts your browser cannot compute digests" in seen
        assert (
            browser.run("document.querySelector('details a').getAttribute('href')") == f"{path}/pages/1.html"
        )
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)

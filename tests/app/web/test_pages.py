from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import threading
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog

from trustworks.app.health.findings import Finding
from trustworks.app.web.pages import pages
from trustworks.assurance.integrity.identity import ProductIdentity

if TYPE_CHECKING:
    from pathlib import Path

HTML = {"accept": "text/html"}


class Outline(HTMLParser):
    """What a screen reader and a browser need of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


class Browser:
    """Asks the pages without a network."""

    def __init__(self, source: Any, *, inside: bool = True) -> None:
        self._transport = httpx.ASGITransport(app=pages(source, inside=inside), raise_app_exceptions=False)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://lab") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers)


def client(source: Any) -> Browser:
    return Browser(source)


def test_what_is_long_is_folded_up_so_that_a_phone_shows_the_page_in_few_screens(source: Any) -> None:
    page = client(source).get("/", headers=HTML).text
    folded = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    assert all("<summary>" in one for one in folded)
    rest = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    assert "<pre" not in rest
    assert "<table" not in rest
    assert 'class="resources"' not in rest
    assert "<h2" in rest


def test_the_page_shows_services_keys_clock_events_log_and_the_banners(source: Any) -> None:
    page = client(source).get("/", headers=HTML).text
    for words in (
        "All is well",
        "Time-stamping",
        "not configured",
        "lab (unchecked)",
        "48\u202f211 in the tree",
        "signed and time-stamped",
        "tsu-1",
        "in 89 days",
        "in 364 days, the end of the key; its certificate is valid until 2029-03-13",
        "/crl/issuing.crl",
        "timestamp.\u200bissued",
        "Test module.",
        "/trust/root.pem",
    ):
        assert words in page, words


def test_what_refuses_is_said_first_and_says_why(source: Any) -> None:
    source.failing = True
    page = client(source).get("/", headers=HTML).text
    assert "1 of 7 resources is not well" in page
    assert page.count("No token &#39;tsu&#39;") == 1
    assert page.index("No token &#39;tsu&#39;") < page.index("Services</h2>")


def test_the_reasons_of_a_clock_without_time_are_listed_once(source: Any) -> None:
    reasons = ("The kernel is not synchronised.", "chronyd does not answer (506 Cannot talk to daemon).")
    view = source.overview()
    finding = Finding(name="clock", ok=False, code="clock.unsynchronised", sentence=" ".join(reasons))
    status = replace(view.clock, ok=False, reason=finding.sentence)
    source.overview = lambda: replace(view, clock=status, findings=(finding, *view.findings[1:]))
    page = client(source).get("/", headers=HTML).text
    for reason in reasons:
        assert page.count(f"<li>{reason}</li>") == page.count(reason) == 1, reason
    assert "gives no time" in page
    assert page.count('href="#why"') == 2
    assert page.count('id="why"') == 1


def test_the_page_is_accessible(source: Any) -> None:
    page = Outline(client(source).get("/", headers=HTML).text)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(header.get("scope") in {"col", "row"} for header in page.all("th"))
    assert all("alt" in image for image in page.all("img"))
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    for _, attributes in page.tags:
        if (target := attributes.get("aria-labelledby")) is not None:
            assert target in identities


def test_nothing_comes_from_elsewhere_and_the_browser_is_told_so(source: Any) -> None:
    answer = client(source).get("/", headers=HTML)
    page = Outline(answer.text)
    for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src")):
        assert all((found[attribute] or "").startswith("/static/") for found in page.all(tag))
    assert not page.all("style")
    assert all("style" not in attributes and "onclick" not in attributes for _, attributes in page.tags)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_what_comes_from_outside_is_escaped(source: Any) -> None:
    source.banners = (("<script>alert(1)</script>", "<b>"),)
    page = client(source).get("/", headers=HTML).text
    assert "<script>alert" not in page
    assert "&lt;b&gt;" in page
    missing = client(source).get("/<script>alert(1)</script>", headers=HTML)
    assert missing.status_code == 404
    assert "<script>alert" not in missing.text


@pytest.mark.parametrize("name", ["style.css", "page.js", "icon.svg"])
def test_static_files_are_served(source: Any, name: str) -> None:
    assert client(source).get(f"/static/{name}").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/static/../pages.py", "/static/%2e%2e%2fpages.py", "/static/other", "/trust/tsu.pin", "/nothing"],
)
def test_nothing_else_is_served(source: Any, path: str) -> None:
    answer = client(source).get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert "import" not in answer.text


def test_the_404_page_leads_back(source: Any) -> None:
    page = client(source).get("/nothing", headers=HTML)
    assert page.status_code == 404
    assert "There is nothing at this address" in page.text
    assert 'href="/"' in page.text


def test_a_trust_anchor_is_downloaded(source: Any) -> None:
    answer = client(source).get("/trust/root.pem")
    assert answer.content.startswith(b"-----BEGIN CERTIFICATE-----")
    assert "root.pem" in answer.headers["content-disposition"]
    assert client(source).get("/trust/chain.pem").status_code == 404


@pytest.mark.req("TRUSTWORKS:ASSURANCE-PRODUCT-SHOWN")
def test_version_build_and_manifest_are_told_to_people_and_programs(source: Any) -> None:
    document = client(source).get("/healthz").json()
    assert (document["version"], document["build"], document["manifest"]) == ("0.1.0", "b" * 64, "c" * 64)
    page = client(source).get("/").text
    assert f"Trustworks 0.1.0, build {'b' * 12}, manifest {'c' * 12}." in page
    source.product = ProductIdentity(version="0.1.0", build="b" * 64)
    assert client(source).get("/healthz").json()["manifest"] is None
    assert "not compared with a manifest." in client(source).get("/").text


def test_healthz_lists_every_resource_and_its_status_code_tells_the_sum(source: Any) -> None:
    answer = client(source).get("/healthz")
    assert answer.status_code == 200
    document = answer.json()
    assert document["ok"] is True
    assert document["resources"]["module.tsu"] == {
        "ok": True,
        "code": "ok",
        "sentence": "Signs and verifies in 96 µs.",
    }
    source.failing = True
    answer = client(source).get("/healthz")
    assert answer.status_code == 503
    found = json.loads(answer.text)["resources"]["module.tsu"]
    assert found["code"] == "module.token-absent"
    assert found["sentence"] == "No token 'tsu' is in the module. Insert it."


def test_a_bug_while_drawing_is_no_stack_trace(source: Any) -> None:
    def broken() -> None:
        raise ZeroDivisionError("inside")

    source.overview = broken
    with structlog.testing.capture_logs() as said:
        answer = client(source).get("/", headers=HTML)
    assert answer.status_code == 500
    assert "inside" not in answer.text
    assert "Traceback" not in answer.text
    assert [(one["event"], one["path"], repr(one["exc_info"])) for one in said] == [
        ("http.bug", "/", "ZeroDivisionError('inside')")
    ]


def test_a_page_that_hangs_keeps_no_other_waiting(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr("trustworks.app.web.pages.PATIENCE", 0.2)
    source.overview = lambda: go.wait(10)
    app = httpx.ASGITransport(app=pages(source, inside=True), raise_app_exceptions=False)

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=app, base_url="http://lab") as client:
            waiting = [asyncio.ensure_future(client.get("/")) for _ in range(12)]
            well = await client.get("/healthz")
            return [well, *(await asyncio.gather(*waiting))]

    try:
        well, *slow = asyncio.run(ask())
    finally:
        go.set()
    assert well.status_code == 200
    assert {(one.status_code, "in time" in one.text) for one in slow} == {(503, True)}


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics"])
def test_where_everybody_comes_only_the_trust_anchors_are_shown(source: Any, path: str) -> None:
    outside = Browser(source, inside=False)
    assert outside.get(path, headers=HTML).status_code == 404
    assert outside.get("/trust/root.pem").status_code == 200


def test_nobody_is_sent_to_a_host_that_he_names_himself(source: Any) -> None:
    answer = client(source).get("/healthz/", headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_pages_answer_no_other_method(source: Any) -> None:
    refused = client(source).request("POST", "/healthz")
    assert (refused.status_code, refused.text) == (405, "This address does not answer that method.\n")
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("inside", [True, False])
def test_browsers_are_refused_with_a_page(source: Any, *, inside: bool) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    asked = Browser(source, inside=inside)
    found = [asked.get("/nothing", HTML), asked.request("POST", "/trust/root.pem", HTML)]
    if inside:
        source.overview = broken
        found.append(Browser(source).get("/", HTML))
    assert [one.status_code for one in found] == [404, 405, 500][: len(found)]
    for one in found:
        assert one.headers["content-type"] == "text/html; charset=utf-8"
        assert one.headers["content-security-policy"].startswith("default-src 'none'")
        assert "/static/style.css" in one.text
        assert (('href="/"' in one.text), ("/healthz" in one.text)) == (inside, inside)
    assert set(found[1].headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_metrics_are_in_prometheus_text_format(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    answer = client(source).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path)

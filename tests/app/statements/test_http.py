"""Everybody reads statements, under addresses that stay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from trustworks.app.statements.http import routes
from trustworks.app.statements.model import Document
from trustworks.app.web.statements import drawer
from trustworks.core.http import Headers, RawRequest, RawResponse

if TYPE_CHECKING:
    from statements_testbed import Office

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # one is enough to read


def get(office: Office, path: str, **headers: str) -> RawResponse:
    draw = drawer(banners=(("Test module", "Do not rely on it."),), version="1")
    (route,) = routes(office.database, draw=draw)
    assert path.startswith(route.path)
    request = RawRequest(
        method="GET",
        path=path,
        raw_path=path.encode(),
        headers=Headers((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        body=b"",
    )
    return asyncio.run(route.handler(request))  # type: ignore[arg-type]  # a coroutine


@pytest.mark.req("TRUSTWORKS:STATEMENTS-VERSIONED")
def test_the_newest_version_is_in_force_and_earlier_ones_stay_reachable(office: Office) -> None:
    assert get(office, "/statements/pds-en.pdf").status == 404
    (first,) = office.publish(Document.PDS)
    office.change("issuance.ocsp", validity_minutes=17)
    (second,) = office.publish(Document.PDS)
    in_force = get(office, "/statements/pds-en.pdf")
    assert in_force.body == second.pdf
    assert in_force.content_type == "application/pdf"
    assert dict(in_force.headers)["content-language"] == "en"
    earlier = get(office, f"/statements/{first.sha256[:16]}/pds-en.pdf")
    assert earlier.body == first.pdf
    assert "immutable" in dict(earlier.headers)["cache-control"]
    text = get(office, f"/statements/{first.sha256[:16]}/pds-en.md").body.decode()
    assert text.startswith("# PKI disclosure statement\n\nVersion 1 of ")
    assert text.endswith(first.text)


def test_who_has_the_version_is_told_so(office: Office) -> None:
    office.publish(Document.TERMS)
    tag = dict(get(office, "/statements/terms-en.md").headers)["etag"]
    answer = get(office, "/statements/terms-en.md", if_none_match=tag)
    assert (answer.status, answer.body) == (304, b"")
    assert get(office, "/statements/terms-en.pdf", if_none_match=tag).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/statements/pds-fr.pdf",
        "/statements/pds-en.exe",
        "/statements/../trustworks.toml",
        "/statements/0123456789abcdef/pds-en.pdf",
        "/statements/%/pds-en.pdf",
        "/statements/________________/pds-en.pdf",
        "/statements/x/y/pds-en.pdf",
    ],
)
def test_what_there_is_not_is_not_found(office: Office, path: str) -> None:
    office.publish(Document.PDS)
    answer = get(office, path)
    assert answer.status == 404
    assert b"/statements/ lists those that there are" in answer.body


def test_all_versions_are_listed_with_their_digests(office: Office) -> None:
    assert b"No statement is published yet" in get(office, "/statements/").body
    office.change("provider", name="<b>Example</b>")
    published = office.publish()
    page = get(office, "/statements/")
    for one in published:
        assert one.sha256 in page.body.decode().replace(" ", "")
        assert f"/statements/{one.sha256[:16]}/{one.document.value}-en.pdf".encode() in page.body
    assert b"<b>" not in page.body
    policy = dict(page.headers)["content-security-policy"]
    assert "default-src 'none'; style-src 'self'; img-src 'self'" in policy
    # The look of the other pages: their style, nothing of its own, and no link to what is inside only.
    assert b'<link rel="stylesheet" href="/static/style.css">' in page.body
    assert b"Test module" in page.body
    for unwanted in (b"<style", b"<script", b"/healthz", b'href="/"'):
        assert unwanted not in page.body

"""`POST /validation`: what is refused and how, what the desk is asked, and in which form it answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from console_testbed import Answer, ask, shell_of
from validation_desk import Chosen, desk_of, detached_signature, settings_of

from trustworks.app.web.validation import ValidationPages
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.validation.bounded.asked import Answered, Kind
from trustworks.validation.desk import Arriving
from trustworks.validation.http import rest

if TYPE_CHECKING:
    from pathlib import Path

TYPE = "multipart/form-data; boundary=xyz"


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    found = b""
    for name, filename, content in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        found += f'--xyz\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
        found += content + b"\r\n"
    return found + b"--xyz--\r\n"


FILE = ("file", "a.pdf", b"%PDF-")


class Edge:
    def __init__(self, desk: Chosen, folder: Path) -> None:
        self.desk = desk
        given: Any = desk
        pages = ValidationPages(given, banners=[], version="1")
        self._shell = shell_of(rest.routes(given, pages, folder=folder))

    def post(self, body: bytes, *, accept: str = "", content_type: str = TYPE) -> Answer:
        return ask(self._shell, "POST", "/validation", body, accept=accept, content_type=content_type)

    def get(self) -> Answer:
        return ask(self._shell, "GET", "/validation")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


def problem(answer: Answer, status: int) -> Any:
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = json.loads(answer.body)
    assert found["status"] == status
    assert found["type"].startswith("urn:trustworks:")
    assert found["detail"].endswith(".")
    return found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        form(),
        form(FILE, FILE),
        form(("detached", "d", b"x")),
        form(("file", None, b"%PDF-")),
        form(FILE, ("colour", None, b"red")),
        form(FILE, ("colour", "red", b"red")),
        form(FILE, ("at", None, b"yesterday")),
    ],
)
def test_a_form_that_cannot_be_read_is_answered_400(body: bytes, folder: Path) -> None:
    desk = Chosen()
    problem(Edge(desk, folder).post(body), 400)
    assert desk.asked == []


def test_no_form_is_answered_415(folder: Path) -> None:
    problem(Edge(Chosen(), folder).post(b"{}", content_type="application/json"), 415)


def test_a_media_type_that_is_not_offered_is_answered_406(folder: Path) -> None:
    problem(Edge(Chosen(), folder).post(form(FILE), accept="image/png"), 406)


def test_what_is_longer_than_allowed_is_answered_413_and_the_connection_closed(folder: Path) -> None:
    edge = Edge(Chosen(limits={"upload": 1024}), folder)
    answer = edge.post(form(("file", "a", b"x" * (2 << 20))))
    problem(answer, 413)
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Malformed("This is no signed file."), 422, "validation.unreadable"),
        (Rejected("validation.policy", "There is no such policy."), 422, "validation.policy"),
        (Rejected("validation.too-much", "It needs too much."), 413, "validation.too-much"),
        (Unavailable("validation.busy", "Try again."), 503, "validation.busy"),
        (Unavailable("validation.time", "Try again."), 503, "validation.time"),
    ],
)
def test_what_the_desk_refuses_is_told_as_a_problem_and_on_the_page(
    error: Exception, status: int, kind: str, folder: Path
) -> None:
    edge = Edge(Chosen(error), folder)
    answer = edge.post(form(FILE))
    found = problem(answer, status)
    assert found["type"] == f"urn:trustworks:{kind}"
    assert found["detail"] == str(error)
    assert ("retry-after" in answer.headers) == (status == 503)
    page = edge.post(form(FILE), accept="text/html")
    assert page.status == status
    assert page.headers["content-type"].startswith("text/html")
    assert str(error) in page.text
    assert b'role="alert"' in page.body


def test_a_form_that_finds_no_room_is_answered_503_and_the_connection_closed(folder: Path) -> None:
    desk = Chosen()
    desk.files = Arriving(uploads=1, octets=50)
    answer = Edge(desk, folder).post(form(FILE))
    assert problem(answer, 503)["type"] == "urn:trustworks:validation.busy"
    assert answer.headers["retry-after"] == "30"
    desk.files = Arriving(uploads=0, octets=1000)
    answer = Edge(desk, folder).post(form(FILE))
    assert problem(answer, 503)["type"] == "urn:trustworks:validation.busy"
    assert answer.headers["connection"] == "close", "nothing of it was read"
    assert desk.asked == []


def test_an_audit_log_that_cannot_be_written_is_answered_503(folder: Path) -> None:
    answer = Edge(Chosen(Unavailable("audit.closed", "It is closed.")), folder).post(form(FILE))
    assert answer.status == 503
    assert "closed" not in answer.text


def test_the_desk_is_asked_what_the_form_says(folder: Path) -> None:
    desk = Chosen()
    body = form(
        FILE,
        ("detached", "d", b"data"),
        ("detached", "e", b"more"),
        ("records", "r.ers", b"record"),
        ("policy", None, b"qualified"),
        ("at", None, b"2026-01-31T12:00:00Z"),
    )
    answer = Edge(desk, folder).post(body)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    ((asked, through),) = desk.asked
    assert (asked.file.name, asked.file.octets) == ("a.pdf", b"%PDF-")
    assert [one.octets for one in (*asked.detached, *asked.records)] == [b"data", b"more", b"record"]
    assert asked.policy == "qualified"
    assert asked.at is not None
    assert asked.at.isoformat() == "2026-01-31T12:00:00+00:00"
    assert asked.kinds == (Kind.PLAIN,)
    assert through == "http"


def test_json_is_the_outcome_also_without_a_signature(folder: Path) -> None:
    answer = Edge(Chosen(), folder).post(form(FILE))
    assert answer.headers["content-type"] == "application/json"
    found = json.loads(answer.body)
    assert (found["signatures"], found["timestamps"], found["evidence_records"]) == ([], [], [])


def test_xml_is_the_report_of_etsi_and_needs_a_signature(folder: Path) -> None:
    made = Answered(results=("PASSED",), policy="urn:x", etsi=b"<ValidationReport/>")
    answer = Edge(Chosen(made), folder).post(form(FILE), accept="application/xml")
    assert (answer.status, answer.body) == (200, b"<ValidationReport/>")
    none = Edge(Chosen(Answered(results=(), policy="urn:x")), folder).post(
        form(FILE), accept="application/xml"
    )
    told = problem(none, 422)
    assert told["type"] == "urn:trustworks:report.no-signature"
    assert "no signature and no time-stamp" in told["detail"]


def test_the_page_has_the_form_with_all_policies(folder: Path) -> None:
    answer = Edge(Chosen(), folder).get()
    assert answer.status == 200
    source = answer.body.decode()
    for name in ("ades", "qualified", "preservation"):
        assert f'<option value="{name}"' in source
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in source
    assert "style=" not in source


def test_the_document_is_a_pdf(folder: Path) -> None:
    told = Answered(results=("PASSED",), policy="urn:x", pdf=b"%PDF-1.7")
    answer = Edge(Chosen(told), folder).post(form(FILE), accept="application/pdf")
    assert (answer.status, answer.headers["content-type"], answer.body) == (
        200,
        "application/pdf",
        b"%PDF-1.7",
    )


def test_the_verdict_holds_the_reports_and_shows_names_as_text(folder: Path) -> None:
    settings = settings_of(limits={"at-once": 1})
    with desk_of(settings) as desk:
        pages = ValidationPages(desk, banners=[], version="1")
        shell = shell_of(rest.routes(desk, pages, folder=folder))
        signature = detached_signature(b"data", "<b>Anna</b> TEST")
        body = form(("file", "a.p7s", signature), ("detached", "d", b"data"))
        answer = ask(shell, "POST", "/validation", body, accept="text/html", content_type=TYPE)
    assert answer.status == 200
    source = answer.body.decode()
    assert "&lt;b&gt;Anna&lt;/b&gt; TEST" in source
    assert "<b>Anna" not in source
    for name in ("validation.pdf", "validation.html", "validation-report.xml", "validation.json"):
        assert f'download="{name}"' in source
    assert "style=" not in source
    assert "<style" not in source
    assert "<script" not in source
    assert "default-src 'none'" in answer.headers["content-security-policy"]

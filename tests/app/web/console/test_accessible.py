"""Every page of the console for people who see little, use no mouse, or run no scripts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from assurance_testbed import fill
from registration_testbed import ask, ask_for_mail, seen

from trustworks.core.keys.register import KeyRegister
from trustworks.core.pages import style_sheet
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.revocation import Reception

if TYPE_CHECKING:
    from console_testbed import Office

    from trustworks.core.module import Key

VOID = {"meta", "link", "input", "img", "br"}


class Page(HTMLParser):
    """What of a page a screen reader or a keyboard meets."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.inside_label: set[str] = set()
        self.words: dict[int, str] = {}
        self._named: list[int] = []
        self.feed(text)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "svg" in self.open:  # a drawing's parts have titles of their own
            tag = f"svg:{tag}"
        self.elements.append((tag, given | ({"in-label": "yes"} if "label" in self.open else {})))
        if tag in {"a", "button"}:
            self._named.append(len(self.elements) - 1)
            self.words[self._named[-1]] = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if "svg" in self.open[:-1]:
            tag = f"svg:{tag}"
        assert self.open, tag
        assert self.open[-1] == tag, f"{tag} closes {self.open[-1]}"
        self.open.pop()
        if tag in {"a", "button"}:
            self._named.pop()

    def handle_data(self, data: str) -> None:
        if self._named:
            self.words[self._named[-1]] += data.strip()

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [given for tag, given in self.elements if tag in tags]


def judge(name: str, text: str) -> None:
    page = Page(text)
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids)), (name, "an id comes twice")
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1, name
    assert page.all("a")[0]["href"] == "#content", (name, "the first link skips to the content")
    labelled = {given["for"] for given in page.all("label") if "for" in given}
    for given in page.all("input", "select", "textarea"):
        if given.get("type") != "hidden":
            assert given.get("id") in labelled or "in-label" in given, (name, given)
    assert all(given["scope"] in {"col", "row"} for given in page.all("th")), name
    assert all("alt" in given for given in page.all("img")), name
    assert all(words for words in page.words.values()), (name, "a link or button without words")
    for tag, given in page.elements:
        for attribute, value in given.items():
            assert attribute != "style", (name, tag)
            assert not attribute.startswith("on"), (name, tag)
            if attribute in {"href", "src", "action", "formaction"}:
                assert value.startswith(("/", "#")), (name, value)
            if attribute in {"aria-labelledby", "aria-describedby"}:
                assert value in ids, (name, value)
            if attribute == "tabindex":
                assert value in {"0", "-1"}, (name, "the order of the focus is that of the page")
    for given in page.all("form"):
        if given.get("method") != "post":
            assert (
                given.get("method") == "get" or given.get("class") == "approve" or given["id"] == "register"
            )


def test_every_page_has_labels_headings_an_order_and_nothing_from_elsewhere(
    office: Office, authority_keys: tuple[Key, Key]
) -> None:
    waits = office.registration.submit(ask(), by="ra-desk").id
    done = office.registration.submit(ask(), by="ra-desk").id
    mail = office.registration.submit(ask_for_mail("anna@muster.example.com"), by="ra-desk").id
    office.registration.draw_domains(mail, by="ben")
    seen(office.registration, done)
    serial = office.registration.approve(done, by="ben", reason="as seen").serial
    assert serial is not None
    request = office.provider.issuance.requests.receive(
        Reception(kind="subject", requester="the subject"), serial, RevocationReason.superseded, by="otto"
    )
    root = office.provider.issuance.authority("root")
    KeyRegister(office.provider.recorder, by="ceremony").enter(authority_keys[0])
    fill(office.provider.recorder, office.provider.clock.moment)
    paths = [
        "/console/queue",
        f"/console/applications/{waits}",
        f"/console/applications/{done}",
        f"/console/applications/{done}/control",
        f"/console/applications/{mail}",
        f"/console/applications/{mail}/control",
        f"/console/certificates/{serial}",
        f"/console/certificates/{root.serial}",
        f"/console/requests/{request.id}",
        "/console/search",
        "/console/search?what=applications",
        "/console/search?q=nobody",
        "/console/keys",
        f"/console/keys/{authority_keys[0].spki_sha256.hex()}",
        "/console/ceremonies",
        "/console/approvals",
        "/console/assurance",
        "/console/assurance/verdicts",
        "/console/assurance/forecast",
        "/console/assurance/rules",
        "/console/assurance/certificates?q=k9",
        "/console/assurance/certificate?id=fips:9001",
        "/console/assurance/evidence",
        "/console/assurance/dossier",
        "/console/assurance/products/module",
        "/console/assurance/products/box-2",
        "/console/credentials",
    ]
    for name in ("ben", "rita", "dora", "carl"):
        visitor = office.enter(name)
        for path in paths:
            judge(f"{name} {path}", visitor.get(path).body.decode())
        judge("absent", visitor.get("/console/applications/none", 404).body.decode())


def test_an_authoritys_certificate_is_revoked_by_who_types_its_name(office: Office) -> None:
    authority, rita = office.provider.issuance.authority("issuing"), office.enter("rita")
    page = f"/console/certificates/{authority.serial}"
    wish = {"reason": "superseded", "kind": "provider", "how": "by the board's decision"}
    fields = rita.fields(page, f"{page}/revoke")
    for typed in ("", "root"):
        assert "type its name" in rita.send(f"{page}/revoke", 400, **fields, **wish, authority=typed).text
    status = office.provider.issuance.status(authority.serial)
    assert status is not None
    assert status.revocation is None
    rita.send(f"{page}/revoke", **fields, **wish, authority="issuing")
    assert "trustworks crl publish --authority root" in rita.get(page).text


def luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_can_be_told_apart_by_light_and_in_the_dark() -> None:
    style = style_sheet().decode()
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in style.split("@media")[:2]
    )
    for colours in (light, {**light, **dark}):
        for ink, ground in (
            ("ink", "ground"), ("ink", "sheet"), ("soft", "ground"), ("soft", "sheet"),
            ("accent-ink", "ground"), ("accent-ink", "sheet"),
            ("good", "good-ground"), ("good", "sheet"), ("bad", "bad-ground"),
            ("bad", "sheet"), ("warn", "warn-ground"), ("sheet", "accent"), ("sheet", "bad"),
            ("soft", "none-ground"),
            ("ink", "good-ground"), ("ink", "bad-ground"), ("ink", "code"),
        ):  # fmt: skip
            one, two = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
            assert (one + 0.05) / (two + 0.05) >= 4.5, (ink, ground, colours[ink], colours[ground])

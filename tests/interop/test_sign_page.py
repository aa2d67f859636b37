"""In a browser: open, read, tick, sign, download, and have validated what was downloaded."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from chromium import Chromium, find_browser
from shown_testbed import CONTRAST, OUTCOME, WIDE
from signed_pdfs import document
from signing_desk import TOKEN, Office, serving
from signing_house import house

from trustworks.core.audit import Recorder
from trustworks.core.store import Database
from trustworks.core.store.config import StoreSettings
from trustworks.formats.data import Octets
from trustworks.signing.agreement import verify
from trustworks.signing.shown.viewer import Viewer
from trustworks.validation import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

STEP: Final = "document.querySelector('{}') !== null"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A page on which people sign."""
    settings = StoreSettings.model_validate({"url": f"sqlite:///{tmp_path / 'signing.sqlite'}"})
    with Database.open(settings) as database, Viewer() as viewer:
        database.upgrade()
        recorder = Recorder.open(database, "test")
        office = Office(database, recorder, tmp_path / "uploads", viewer)
        with serving(office) as found:
            yield found
        office.desk.close()
        recorder.close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    program = find_browser()
    if program is None:
        pytest.skip("NOT TESTED, because there is no Chromium: tools/setup tests gets it")
    with Chromium(program, tmp_path / "profile") as found:
        yield found


def choose(browser: Chromium, file: Path) -> None:
    """Choose a file as a person does in the dialogue of the browser."""
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    field = browser.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    browser.call("DOM.setFileInputFiles", nodeId=field, files=[str(file)])


def look_at(browser: Chromium, name: str) -> None:
    """What holds of every step: readable on a small screen and in the dark, by ids that are there once."""
    size = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    assert browser.run(WIDE) <= 0
    browser.call("Emulation.clearDeviceMetricsOverride")
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.call("Emulation.setEmulatedMedia", features=features)
        assert browser.run(CONTRAST) == [], scheme
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert browser.run(
        "[...document.querySelectorAll('[id]')].every("
        "(one) => document.querySelectorAll('#' + one.id).length === 1)"
    )
    folder = os.environ.get("TRUSTWORKS_SCREENSHOTS")
    if folder:
        browser.screenshot(Path(folder) / f"{name}.png")


def downloaded(browser: Chromium, link: str) -> bytes:
    """What a link of the page holds."""
    found: str = browser.run(f"document.querySelector('a.{link}').href")
    return base64.b64decode(found.partition(",")[2])


def validated(octets: bytes, folder: Path) -> str:
    """The indication of the only signature, with the root of the house as anchor."""
    (folder / "root.der").write_bytes(house().root.der)
    data = house().evidence_of(b"", datetime.now(UTC))
    (folder / "root.crl").write_bytes(data.lists[0])
    report = validate(
        Octets(octets, "signed.pdf"),
        trust=[folder / "root.der"],
        untrusted=[folder / "root.crl"],
        offline=True,
    )
    (found,) = report.plain()["signatures"]
    return str(found["indication"])


@pytest.mark.parametrize("scripts", [True, False])
def test_open_read_tick_sign_download_validate(
    address: str, browser: Chromium, tmp_path: Path, scripts: bool
) -> None:
    file = tmp_path / "contract.pdf"
    file.write_bytes(document().octets)
    browser.call("Emulation.setScriptExecutionDisabled", value=not scripts)
    browser.go(f"{address}/sign")
    look_at(browser, f"sign-1-{scripts}")
    browser.run(f"document.querySelector('#token').value = '{TOKEN}'")
    choose(browser, file)
    browser.run("document.querySelector('form.signs button').focus()")
    browser.press("Enter")
    browser.until(STEP.format("[name=ticket]"))
    if scripts:
        browser.until(f"{OUTCOME} === 'same'")
        assert browser.run("document.querySelector('.again').hidden")
    browser.until("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    look_at(browser, f"sign-2-{scripts}")
    if not scripts:
        choose(browser, file)
    for box in range(browser.run("document.querySelectorAll('form [type=checkbox]').length")):
        browser.run(f"document.querySelectorAll('form [type=checkbox]')[{box}].focus()")
        browser.press(" ")
    browser.run("document.querySelector('#role').value = 'director'")
    browser.run("document.querySelector('form.signs button.primary').focus()")
    browser.press("Enter")
    browser.until(STEP.format("a.signed"))
    look_at(browser, f"sign-3-{scripts}")
    signed = downloaded(browser, "signed")
    agreed = verify(downloaded(browser, "agreement"), downloaded(browser, "proof"), Octets(signed))
    assert agreed.ticket.documents[0].name == "contract.pdf"
    assert agreed.chosen.attributes == {"role": "director"}
    assert validated(signed, tmp_path) == "TOTAL-PASSED"


def test_the_browser_does_not_send_what_is_not_ticked(
    address: str, browser: Chromium, tmp_path: Path
) -> None:
    file = tmp_path / "contract.pdf"
    file.write_bytes(document().octets)
    browser.go(f"{address}/sign")
    browser.run(f"document.querySelector('#token').value = '{TOKEN}'")
    choose(browser, file)
    browser.run("document.querySelector('form.signs button').click()")
    browser.until(STEP.format("[name=ticket]"))
    assert not browser.run("document.querySelector('form.signs').checkValidity()")
    assert not browser.run("document.querySelector('#tick').checked")
    browser.run("document.querySelector('form.signs button.primary').click()")
    assert not browser.run(STEP.format("a.signed"))

"""The status page in a real browser."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Lab

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("NOT TESTED, no Chromium: apt-get install chromium")
    return found


def chromium(browser: str, profile: Path, *arguments: str) -> str:
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    found = subprocess.run(
        [*command, f"--user-data-dir={profile}", "--enable-logging=stderr", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    refused = [line for line in found.stderr.splitlines() if "CONSOLE" in line]
    assert not refused, "the page complains in the console"
    return found.stdout


def test_the_page_works_with_its_script_and_breaks_no_rule_of_its_own(
    lab: Lab, browser: str, tmp_path: Path
) -> None:
    document = chromium(browser, tmp_path, "--virtual-time-budget=3000", "--dump-dom", f"{lab.url}/")
    assert "All is well" in document
    assert ">Copy</button>" in document or "navigator.clipboard" not in document
    assert "Trustworks TEST Root CA" in document
    assert "/trust/root.pem" in document
    for link in ("/sign", "/validation", "/tl/"):
        assert f'href="{link}"' in document
    assert "Clients: 1; seals: main." in document
    assert "Validates under ades, qualified, preservation." in document


@pytest.mark.parametrize(("width", "height"), [(1280, 2400), (390, 5200)])
def test_the_page_can_be_looked_at_on_a_desk_and_on_a_phone(
    lab: Lab, browser: str, tmp_path: Path, width: int, height: int
) -> None:
    file = tmp_path / "page.png"
    chromium(browser, tmp_path, f"--window-size={width},{height}", f"--screenshot={file}", f"{lab.url}/")
    octets = file.read_bytes()
    assert octets.startswith(b"\x89PNG")
    assert int.from_bytes(octets[16:20]) == width
    assert len(octets) > 50_000, "the page is nearly empty"

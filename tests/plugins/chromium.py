"""A real browser, steered over a pipe by the DevTools protocol, with an authenticator of its own.

The pipe needs no library: each message is JSON and ends with a null octet (--remote-debugging-pipe).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

# The browser reads its commands from 3 and writes to 4.
_AS_3_AND_4 = """
import fcntl, os, sys
high = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 20) for one in sys.argv[1:3]]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


# What names the element that has the focus: its labels, else its text, else its value.
_FOCUSED = """(() => {
  const at = document.activeElement;
  if (!at || at === document.body) return "";
  const labels = [...(at.labels || [])].map((one) => one.innerText).join(" ");
  const text = ["A", "BUTTON", "SUMMARY"].includes(at.tagName) ? at.innerText : "";
  return labels || at.getAttribute("aria-label") || text;
})()"""


def find_browser() -> str | None:
    """The program, by whichever name it has here."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


class Chromium:
    """One page of a headless browser."""

    def __init__(self, program: str, profile: Path) -> None:
        child_reads, self._write_to = os.pipe()
        self._read_from, child_writes = os.pipe()
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _AS_3_AND_4, str(child_reads), str(child_writes),
             program, *arguments, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(child_reads, child_writes),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(child_reads)
        os.close(child_writes)
        self._number = 0
        self._buffer = b""
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Runtime.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write_to)
        os.close(self._read_from)

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol, and wait for its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write_to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._receive()
            if found.get("id") == self._number:
                assert "error" not in found, (method, found["error"])
                return found["result"]

    def _receive(self, patience: float = 60.0) -> dict[str, Any]:
        deadline = time.monotonic() + patience
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read_from], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            part = os.read(self._read_from, 1 << 16)
            assert part, "the browser ended"
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found

    def add_authenticator(self) -> str:
        """A passkey device that verifies its user, as a phone does."""
        self.call("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        found: str = self.call("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"]
        return found

    def go(self, url: str) -> None:
        """Open an address, and wait until its page and scripts are there."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """What the script answers."""
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key of the keyboard, as `KeyboardEvent.key` calls it."""
        code, text = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "ArrowDown": (40, "")}[key]
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.call("Input.insertText", text=text)

    def tab_to(self, what: str, most: int = 80) -> None:
        """Go on by the tabulator until the focus is on what is named so: by its label, text or place."""
        for _ in range(most):
            self.press("Tab")
            if what in self.run(_FOCUSED):
                return
        raise AssertionError(
            f"the tabulator never comes to {what!r}; the page: " + str(self.run("document.body.innerText"))
        )

    def follow(self, what: str) -> None:
        """Go to a link or a button by the tabulator, press Enter, and wait for the page that comes."""
        self.run("window.before = true")
        self.tab_to(what)
        self.press("Enter")
        self.until("!window.before && document.readyState === 'complete'")

    def screenshot(self, file: Path, *, width: int = 1200, height: int = 900) -> None:
        """A picture of the whole page, as wide as a screen or a phone (PNG)."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))
        self.call("Emulation.clearDeviceMetricsOverride")

    def until(self, script: str, seconds: float = 30.0) -> Any:
        """Wait until the script answers something true, and answer that."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = self.run(script)
            except AssertionError:  # the page is between two documents
                found = None
            if found:
                return found
            assert time.monotonic() < deadline, f"{script} did not become true; the page: " + str(
                self.run("document.body && document.body.innerText")
            )
            time.sleep(0.05)

from __future__ import annotations

import subprocess
import sys

import pytest

FAULT = """
import sys
import structlog
from trustworks.app import logs
from trustworks.app.configuration.settings import LogSettings

logs.configure(LogSettings(format=sys.argv[1]), process="test")


def sign(pin):
    raise RuntimeError("a fault")


try:
    sign(sys.argv[2])
except RuntimeError as error:
    structlog.get_logger().error("a.bug", exc_info=error)
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_fault_is_logged_without_the_values_at_hand(form: str) -> None:
    pin = "7402-a-pin-of-a-token"
    said = subprocess.run(
        [sys.executable, "-c", FAULT, form, pin], capture_output=True, text=True, check=True
    ).stderr
    assert "RuntimeError: a fault" in said
    assert "in sign" in said
    assert pin not in said

"""Plans of ceremonies for tests: the templates as they are handed out, and one without people."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from trustworks.core.ceremony import plan as plans

if TYPE_CHECKING:
    from trustworks.core.ceremony.model import Read

UNATTENDED = """
version = 1
type = "root"
name = "further-root"
purpose = "A root of a laboratory."
place = "this machine"
day = 2026-11-27
approvals = 0
participants = []
unattended = true
[[steps]]
kind = "inspect-module"
phase = "Preparation"
by = []
token = "root"
[[steps]]
kind = "generate-key"
phase = "Generation"
by = []
token = "root"
label = "second-root"
algorithm = "P-256"
[[steps]]
kind = "make-authority"
phase = "Certification"
by = []
authority = "second-root"
token = "root"
label = "second-root"
common-name = "Trustworks TEST Root 2"
years = 10
path-length = 2
crl-validity-hours = 720
crl-every-hours = 240
[[steps]]
kind = "publish-crl"
phase = "Certification"
by = []
authority = "second-root"
"""


def template(kind: str) -> str:
    """The text of a template."""
    found = files("trustworks.core.ceremony").joinpath("templates").joinpath(f"{kind}.toml")
    return found.read_text(encoding="utf-8")


def filled(kind: str) -> str:
    """The text of a template with room and seals filled in; hashes and serials belong to real things."""
    return (
        template(kind)
        .replace("THE ROOM, and how it is kept closed", "Room 7, two locks")
        .replace("has the number NUMBER", "has the number 4711")
        .replace("the seal NUMBER", "the seal 4711")
    )


def changed(text: str, *changes: tuple[str, str]) -> Read:
    """The plan that a text is after some changes, each of which finds its place."""
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return plans.read(text.encode())

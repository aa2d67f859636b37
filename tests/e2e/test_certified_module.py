"""A serving laboratory whose module says that it is a certified device, until it becomes another.

SoftHSM2 is insufficient whatever a register says. A small library before it plays the device: nothing but its
words says so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificate_sources import as_json, cmvp_record
from laboratory import until

if TYPE_CHECKING:
    from laboratory import Lab

pytestmark = pytest.mark.e2e

SOURCE = Path(__file__).with_name("certified_module.c")
PROCESS = ("timestamps", "tsu_key_use")
DEVICE = (
    *("--name", "Beispiel K9", "--manufacturer", "Beispiel Module AG", "--model", "K9"),
    *("--firmware", "7.8", "--hardware", "2.6"),
    *("--serial", "K9-0001", "--place", "Room 7", "--device"),
)
OF_IT = ("hsm-1", "fips:9001", "--page", "policy, page 3")
CHECKS = (
    *("shipment", "storage", "vendor-guidance-followed", "default-credentials-changed", "life-cycle"),
    *("function", "dual-control"),
)


class Device:
    """The library that plays the device, and the plate on which its serial number stands."""

    def __init__(self, folder: Path, beneath: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("NOT TESTED, no C compiler: apt install gcc")
        self.plate, self.library = folder / "plate", folder / "libk9.so"
        self.plate.write_text("K9-0001\n", encoding="utf-8")
        defined = [f'-DBENEATH="{beneath}"', f'-DPLATE="{self.plate}"']
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-w", "-o", str(self.library), *defined, str(SOURCE), "-ldl"],
            check=True,
            timeout=60,
        )


@pytest.fixture
def device(softhsm: Path, tmp_path: Path) -> Device:
    return Device(tmp_path, softhsm)


def register(lab: Lab, folder: Path) -> None:
    """Enter the device in the place of SoftHSM2, with its certificate and all that its conditions ask for."""
    found = re.search(r'^tsu = "(.+)"$', lab.config.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    record, paper = folder / "9001.json", folder / "paper.pdf"
    record.write_bytes(as_json(cmvp_record(hardware_versions="2.6", firmware_versions="7.8")))
    paper.write_bytes(b"what it says is for persons")
    lab.run("assurance", "product", "retire", "module-tsu", "--on", "2026-01-01")
    lab.run("assurance", "product", "add", "hsm-1", *DEVICE, "--token", found[1])
    lab.run("assurance", "certificate", "import", str(record), "--source", "the programme")
    lab.run("assurance", "certificate", "bind", "fips:9001", "hsm-1")
    for process, function in ((PROCESS, "sign"), (("timestamps", "tsu_key_generation"), "keygen")):
        used = ("--function", function, "--algorithm", "P-256")
        lab.run("assurance", "binding", "add", *process, "hsm-1", *used)
    lab.run("assurance", "confirm", "identity", *OF_IT, "--value", "firmware=7.8", "--value", "hardware=2.6")
    lab.run("assurance", "confirm", "evaluated-scope", *OF_IT, "--value", "sign", "--value", "keygen")
    lab.run("assurance", "confirm", "condition", *OF_IT)
    lab.run("assurance", "confirm", "target-fits", *OF_IT)
    for kind in ("risk-analysis", "vendor-guidance"):
        lab.run("assurance", "document", "add", kind, "hsm-1", str(paper))
    for kind in CHECKS:
        seen_by = ("--person", "a", "--person", "b", "--seal", "S-1")
        lab.run("assurance", "check", "add", kind, "hsm-1", *seen_by)
    lab.run("assurance", "headcount", "set", "hsm-1", "backup", "3", "--allowed", "3")
    lab.run("assurance", "transfer", "add", "hsm-1", "hsm-1", "--backup", "--equal-protection")


def verdict(lab: Lab) -> str:
    """What today's implementing acts answer about the device's process."""
    told = json.loads(lab.run("assurance", "verdicts", "--json").stdout)
    (current,) = [one for one in told["reports"] if one["rule_set"] == "current"]
    (found,) = [
        one["verdict"]
        for service in current["services"]
        for one in service["processes"]
        if (one["service"], one["process"], one["product"]) == (*PROCESS, "hsm-1")
    ]
    return str(found)


def logged(lab: Lab, kind: str) -> list[dict[str, Any]]:
    told = lab.run("audit", "list", "--type", kind, "--limit", "1000", "--json").stdout
    return [json.loads(line) for line in told.splitlines()]


def rounds(lab: Lab) -> list[str]:
    """When looks ended, the first first."""
    return sorted(one["time"] for one in logged(lab, "assurance.evidence-collected"))


def test_another_library_or_serial_number_turns_a_strong_verdict_by_the_next_look(
    copied: Lab, device: Device, tmp_path: Path
) -> None:
    text = copied.config.read_text(encoding="utf-8")
    text = text.replace("[module]\n", f'[module]\nlibrary = "{device.library}"\n')
    copied.config.write_text(f"{text}\n[assurance]\nevidence-every = 2\n", encoding="utf-8")
    register(copied, tmp_path)
    copied.start()
    until(lambda: verdict(copied) == "strong", what="a strong verdict")

    before = len(rounds(copied))
    with device.library.open("ab") as file:
        file.write(b"\0" * 8)  # the linker loads it as before; those that have it go on
    until(lambda: verdict(copied) == "insufficient", what="the fall by another library")
    check_told(copied, before, "the SHA-256 of the PKCS#11 library is")

    with device.library.open("r+b") as file:
        file.truncate(device.library.stat().st_size - 8)
    until(lambda: verdict(copied) == "strong", what="the rise with the accepted library")

    before = len(rounds(copied))
    device.plate.write_text("K9-0002\n", encoding="utf-8")
    until(lambda: verdict(copied) == "insufficient", what="the fall by another serial number")
    check_told(copied, before, "the serial number is K9-0002, expected was K9-0001")
    assert copied.stop() == 0


def check_told(lab: Lab, before: int, sentence: str) -> None:
    """The audit log and the draft of the notice have it, by the look that follows at the latest.

    `before` looks had ended when the module became another; one more may have been under way.
    """
    events = logged(lab, "assurance.identity-changed")
    of_it = [one for one in events if one["subject"] == {"product": "hsm-1"}]
    newest = max(of_it, key=lambda one: str(one["time"]))
    assert newest["outcome"] == "failure"
    until(lambda: len(rounds(lab)) > before + 1, what="the next look")
    assert newest["time"] <= rounds(lab)[before + 1]
    notice = lab.run("assurance", "incident", "notice", str(newest["detail"]["incident"])).stdout
    assert sentence in notice
    assert "hsm-1" in notice

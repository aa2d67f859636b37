"""Five thousand certificates in each form that lists come in, read into facts with their sources."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from _figures import told  # type: ignore[import-not-found] # the script beside this one
from lxml import etree

from trustworks.assurance.sources import Download, merge, read_any

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "plugins"))

from certificate_sources import as_json, cc_row, cmvp_list, cmvp_record, eucc_record, table

CERTIFICATES = 5000
LIMIT = 5.0
DOWNLOAD = Download(name="download", retrieved=datetime(2026, 11, 1, tzinfo=UTC))


def documents() -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Each form with what reads it without looking at what it says."""
    numbers = range(1, CERTIFICATES + 1)
    rows = [
        (str(number), "Vendor, Inc.", f"Module {number}", "Hardware", "07/07/2025 04/02/2024", "Active")
        for number in numbers
    ]
    return {
        "CMVP list": (cmvp_list(rows), lambda data: etree.fromstring(data, etree.HTMLParser())),
        "CMVP records": (as_json([cmvp_record(certificate_number=str(one)) for one in numbers]), json.loads),
        "Common Criteria Portal": (
            table([cc_row(Name=f"Product {one}") for one in numbers]),
            lambda data: list(csv.reader(io.StringIO(data.decode()))),
        ),
        "EUCC metadata": (
            as_json([eucc_record(certificate_id=f"EUCC-9999-2026-03-{one:05}") for one in numbers]),
            json.loads,
        ),
    }


def measure(rounds: int) -> None:
    """Read and merge with what was known; the reference parses the same octets and looks at nothing."""
    print(f"Sources: {CERTIFICATES} certificates in each form; processor time")
    for name, (data, parse) in documents().items():
        parts: dict[str, list[float]] = {
            f"{name}: parsing it (reference)": [],
            f"{name}: reading, merging": [],
        }
        known = {one.id: one for one in read_any(data, DOWNLOAD).certificates}
        if len(known) != CERTIFICATES:
            raise RuntimeError(f"{name}: {len(known)} certificates were read.")
        for _ in range(rounds):
            began = time.process_time()
            parse(data)
            parts[f"{name}: parsing it (reference)"].append(time.process_time() - began)
            began = time.process_time()
            for one in read_any(data, DOWNLOAD).certificates:
                merge(known[one.id], one)
            parts[f"{name}: reading, merging"].append(time.process_time() - began)
        for what, values in parts.items():
            told(what, values, LIMIT, "s")

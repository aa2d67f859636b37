"""`trustworks assurance sources`: what is in files, without a database; what may be a product's."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from certificate_sources import (
    RETRIEVED,
    as_json,
    cc_row,
    cmvp_page,
    cmvp_record,
    downloaded,
    table,
    trusted_list,
)
from typer.testing import CliRunner

from trustworks.assurance.cli import app
from trustworks.assurance.model import Identity, Product, ProductKind
from trustworks.assurance.records import EntryKind, encode, replace_catalogue, write
from trustworks.assurance.sources import read_any
from trustworks.core.errors import Malformed, Rejected, Unavailable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from trustworks.core.store import Database


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["sources", "read", *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_files_are_read_and_printed(tmp_path: Path) -> None:
    page, portal, listed = tmp_path / "9001.html", tmp_path / "portal.csv", tmp_path / "list.xml"
    page.write_bytes(cmvp_page())
    portal.write_bytes(table([cc_row()]))
    listed.write_bytes(trusted_list())
    said, wrong = run(str(page), str(portal), str(listed), "--retrieved", "2026-04-15")
    assert wrong == ""
    assert "9001.html: cmvp-page, 1 certificate(s)" in said
    assert "caveat               When operated in approved mode." in said
    assert "Operational Environment: N/A, Physical Security: 4" in said
    assert "portal.csv: cc-portal, 1 certificate(s)" in said
    assert "list.xml: trusted-list, 2 service(s), 1 of them granted" in said
    assert "Beispiel Trust GmbH, Remote signing: CA/QC, granted" in said


def test_json_has_everything(tmp_path: Path) -> None:
    file, listed = tmp_path / "records.json", tmp_path / "list.xml"
    file.write_bytes(
        as_json([cmvp_record(overall_level=9)] + [cmvp_record(certificate_number=n) for n in range(1, 40)])
    )
    listed.write_bytes(trusted_list())
    document: list[dict[str, Any]] = json.loads(
        run(str(file), str(listed), "--retrieved", "2026-04-15", "--json", code=1)[0]
    )
    first, second = document
    assert (first["kind"], len(first["certificates"])) == ("cmvp-record", 40)
    assert {"name": "status", "value": "active", "place": "record 1, certificate 9001"} in first[
        "certificates"
    ][0]["facts"]
    assert first["problems"][0]["place"] == "record 1, certificate 9001"
    assert second["services"][0]["granted"] == [{"since": "2024-05-01T00:00:00+00:00", "until": None}]


def test_what_cannot_be_read_is_told_and_the_rest_is_printed(tmp_path: Path) -> None:
    wrong, right, portal = tmp_path / "wrong.pdf", tmp_path / "9001.html", tmp_path / "portal.csv"
    wrong.write_bytes(b"%PDF-1.7")
    right.write_bytes(cmvp_page())
    portal.write_bytes(table([cc_row(Scheme="")] * 30))
    said, errors = run(str(wrong), str(right), str(portal), "--retrieved", "2026-04-15", code=1)
    assert "fips:9001" in said
    assert "wrong.pdf is a PDF" in errors
    assert "line 2: The row is not read" in errors
    assert "10 more problems; --json names all." in errors
    assert "refused" in json.loads(run(str(wrong), "--json", code=1)[0])[0]


def test_files_and_moments_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        run(str(tmp_path / "absent"))
    (tmp_path / "9001.html").write_bytes(cmvp_page())
    with pytest.raises(Malformed, match="no moment"):
        run(str(tmp_path / "9001.html"), "--retrieved", "yesterday")


def test_imported_certificates_are_proposed_for_a_product(database: Database) -> None:
    seen = Identity(
        at=RETRIEVED,
        manufacturer="Utimaco IS GmbH",
        model="CryptoServer",
        serial="1",
        hardware="",
        firmware="7.8",
        library="libcs_pkcs11_R3.so",
        library_sha256="00" * 32,
        is_test_module=False,
        validations=("#7",),
    )
    product = Product(id="hsm-1", kind=ProductKind.MODULE, name="Beispiel K9", observed=seen)
    unknown = replace(product, id="hsm-2", name="HSM", observed=None)
    listed = [
        cmvp_record(),
        cmvp_record(certificate_number="7", module_name="Claimed"),
        cmvp_record(certificate_number="8", module_name="CryptoServer Se", firmware_versions="6.1"),
        cmvp_record(certificate_number="9", module_name="Another"),
    ]
    with database.begin() as connection:
        for one in (product, unknown):
            write(connection, EntryKind.PRODUCT, one.id, encode(one), at=RETRIEVED, by="somebody")
        for data in (as_json(listed), cmvp_page()):
            imported = read_any(data, downloaded())
            replace_catalogue(connection, imported.kind, imported.certificates)

    def run_match(*arguments: str) -> str:
        result = CliRunner().invoke(
            app, ["sources", "match", *arguments], obj=Wiring(database), catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.stdout

    found = json.loads(run_match("hsm-1", "--json"))
    assert [one["certificate"] for one in found] == ["fips:7", "fips:9001", "fips:8"]
    assert [one["claimed"] for one in found] == [True, False, False]
    assert found[2]["against"] == ["Its firmware version '7.8' is not among those on the certificate: '6.1'."]
    said = run_match("hsm-1")
    assert "fips:7\n  + The module itself claims fips:7." in said
    assert "  - Its firmware version '7.8'" in said
    assert "No imported certificate has its name" in run_match("hsm-2")
    with pytest.raises(Rejected, match="no product 'hsm-3'"):
        run_match("hsm-3")


class Wiring:
    """As much of the application's wiring as a look at the database needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_database(self) -> AbstractContextManager[Database]:
        return nullcontext(self._database)

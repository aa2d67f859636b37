"""A laboratory publishes its trusted lists from its first start on; a validator is pointed at them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from laboratory import PROGRAM
from typer.testing import CliRunner

from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.validation.cli.trust import app

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Lab

pytestmark = pytest.mark.e2e


def test_the_lists_of_a_laboratory_are_had_and_believed(lab: Lab, tmp_path: Path) -> None:
    files = {name: httpx.get(f"{lab.url}/tl/{name}") for name in ("lotl.xml", "XX.xml", "signer.pem")}
    for name, found in files.items():
        assert found.status_code == 200
        (tmp_path / name).write_bytes(found.content)
    digest = httpx.get(f"{lab.url}/tl/XX.sha2").text
    assert digest == hashlib.sha256(files["XX.xml"].content).hexdigest()
    of_lists = read_trusted_list(files["lotl.xml"].content).scheme
    own = read_trusted_list(files["XX.xml"].content)
    (provider,) = own.providers
    types = [one.current.type.rpartition("/Svctype/")[2] for one in provider.services]
    assert types == ["CA/QC", "Certstatus/OCSP/QC", "TSA/QTST"]

    page = of_lists.information_uris[0].value
    given = ["--trust", str(tmp_path / "store"), "--from", str(tmp_path), "--json"]
    told = CliRunner().invoke(
        app,
        [
            "refresh",
            *given,
            *("--anchor", str(tmp_path / "signer.pem"), "--lotl", f"{page}lotl.xml", "--publication", page),
        ],
    )
    assert told.exit_code == 0, told.output
    assert [one["territory"] for one in json.loads(told.output)] == ["EU", "XX"]
    read = x509.load_pem_x509_certificate(files["signer.pem"].content).public_bytes(Encoding.DER)
    assert of_lists.pointers[0].certificates[0].der == read
    assert "nobody may rely on them" in httpx.get(f"{lab.url}/tl/").text


def test_the_commands_that_point_a_validator_at_them_work(
    lab: Lab, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page = (request.config.rootpath / "docs" / "trusted-list.md").read_text(encoding="utf-8")
    commands = re.findall(r"<!-- try -->\n```sh\n(.*?)```", page, re.DOTALL)
    assert len(commands) == 2
    (tmp_path / "lab").symlink_to(lab.folder)
    script = "\necho =====\n".join(commands).replace(":8080/", f":{lab.port}/")
    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"export PATH={PROGRAM.parent}:$PATH\n{script}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    for said in found.stdout.split("====="):
        assert re.search(r"TOTAL-PASSED\n(.*\n)+ *qualified +QESeal", said), said


def test_the_validator_of_the_laboratory_takes_them_out_of_the_database(lab: Lab) -> None:
    found = lab.health()["resources"]["trusted-lists"]
    assert found["detail"] == {"EU": 1, "XX": 1}
    told = lab.run("audit", "list", "--type", "validation.list-changed", "--json").stdout.splitlines()
    assert {json.loads(one)["subject"]["territory"] for one in told} == {"EU", "XX"}

"""A laboratory publishes its trusted lists from its first start on; a validator is pointed at them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
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

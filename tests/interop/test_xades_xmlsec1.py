"""xmlsec1 judges the documents that the reader is tested with: it says of each what the reader says."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from xades_documents import CERTIFICATE, Making, Referring, add_property, by_id, complete, enveloped, sign

from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.limits import DEFAULT
from trustworks.formats.verification import is_value_of
from trustworks.formats.xades import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.interop

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"


def theirs(root: etree._Element, folder: Path, signature: str = "S1") -> bool:
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.fail("xmlsec1 is not installed; run tools/setup")
    file = folder / "signed.xml"
    file.write_bytes(etree.tostring(root))
    ids = [
        argument
        for name in (f"{XADES}:SignedProperties", f"{DS}:Object", f"{DS}:SignatureValue", f"{DS}:Signature")
        for argument in ("--id-attr:Id", name)
    ]
    done = subprocess.run(
        [
            program,
            "--verify",
            "--insecure",
            "--enabled-key-data",
            "x509",
            "--node-id",
            signature,
            *ids,
            str(file),
        ],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def ours(root: etree._Element, signature: str = "S1") -> bool:
    collector = Collector()
    read(Octets(etree.tostring(root)), collector, limits=DEFAULT)
    (found,) = [one for one in collector.signatures if one.name == signature]
    return is_value_of(found, CERTIFICATE) and all(one.intact for one in found.references)


def countersigned() -> etree._Element:
    root = sign()
    inner = Making(id="C1", objects="", references=[Referring(uri="#V-S1")], data_properties="")
    add_property(root, f"<xades:CounterSignature>{inner.xml()}</xades:CounterSignature>")
    complete(root, inner)
    return root


@pytest.mark.parametrize(
    ("made", "signature"), [(sign, "S1"), (enveloped, "S1"), (countersigned, "S1"), (countersigned, "C1")]
)
def test_what_holds_and_what_was_changed(
    made: Callable[[], etree._Element], signature: str, tmp_path: Path
) -> None:
    root = made()
    assert (theirs(root, tmp_path, signature), ours(root, signature)) == (True, True)
    time = by_id(root, f"P-{signature}")[0][0]
    time.text = "2026-05-04T03:02:02Z"
    assert (theirs(root, tmp_path, signature), ours(root, signature)) == (False, False)

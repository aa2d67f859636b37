"""What others need for the same files: pyHanko, libxmlsec1, EU DSS, each as far as it goes."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, crl
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation.ades import ades_lta_validation, ades_with_time_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _signed_files import House  # type: ignore[import-not-found] # the module beside this one

ROOT: Final = Path(__file__).resolve().parent.parent
JARS: Final = ROOT / ".venv" / "dss" / "jars"
JUDGE: Final = ROOT / "tests" / "interop" / "dss" / "Judge.java"

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


def specification(
    house: House,
    *,
    lists: Sequence[crl.CertificateList] = (),
    certificates: Sequence[asn1_x509.Certificate] = (),
) -> SignatureValidationSpec:
    """The same trust anchor as ours, revocation data required, nothing fetched."""
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build([house.root.asn1]),
        revinfo_policy=CertRevTrustPolicy(
            RevocationCheckingPolicy(
                ee_certificate_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
                intermediate_ca_cert_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
            )
        ),
    )
    return SignatureValidationSpec(
        cert_validation_policy=policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY
        ),
        local_knowledge=LocalKnowledge(
            known_crls=[CRLContainer(one) for one in lists], known_certs=list(certificates)
        ),
    )


def pyhanko_pdf(house: House) -> Callable[[bytes], bool]:
    """Its process with time, by what the document's security store holds, and its analysis of differences.

    Its process for long-term data goes on to past validation even where this one has passed.
    """

    def validate(octets: bytes) -> bool:
        reader = PdfFileReader(io.BytesIO(octets))
        (embedded,) = reader.embedded_signatures
        store = DocumentSecurityStore.read_dss(reader)
        given = specification(
            house,
            lists=[crl.CertificateList.load(one.get_object().data) for one in store.crls],
            certificates=list(store.load_certs()),
        )
        embedded.compute_integrity_info()
        return _passed(
            ades_with_time_validation(embedded.signed_data, given, raw_digest=embedded.compute_digest())
        )

    return validate


def pyhanko_pdf_long_term(house: House) -> Callable[[bytes], bool]:
    """Its process for long-term data; it ends INDETERMINATE for level LT, so that only the cost is told."""
    given = PdfSignatureValidationSpec(signature_validation_spec=specification(house))

    def validate(octets: bytes) -> bool:
        (embedded,) = PdfFileReader(io.BytesIO(octets)).embedded_signatures
        _LOOP.run_until_complete(ades_lta_validation(embedded, pdf_validation_spec=given))
        return True

    return validate


def pyhanko_cms(house: House) -> Callable[[bytes], bool]:
    """Its process with time."""
    lists = [crl.CertificateList.load(one) for one in house.lists]
    given = specification(house, lists=lists, certificates=[house.authority.asn1])

    def validate(octets: bytes) -> bool:
        return _passed(ades_with_time_validation(cms.ContentInfo.load(octets)["content"], given))

    return validate


_LOOP: Final = asyncio.new_event_loop()


def _passed(validation: Any) -> bool:
    return bool(_LOOP.run_until_complete(validation).ades_subindic == AdESPassed.OK)


_ASIDE: Final = (
    "import json, os, subprocess, sys, time\n"
    "began = time.perf_counter()\n"
    "process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
    "_, status, used = os.wait4(process.pid, 0)\n"
    "taken = time.perf_counter() - began\n"
    "print(json.dumps([status, taken, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))\n"
)
"""Starts a program from a small process: Linux counts the memory of who starts it as the program's."""


def child(command: Sequence[str]) -> tuple[float, float, int]:
    """Run a program: seconds, seconds of processor time, octets of memory at most.

    One in Python may keep its compiled modules, as it does wherever nobody forbids it.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", _ASIDE, *command], capture_output=True, check=True, env=environment
    )
    status, taken, busy, memory = json.loads(done.stdout)
    assert status == 0, f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}"
    return taken, busy, memory


def xmlsec1(house: House, files: Sequence[bytes]) -> float | None:
    """Seconds of processor time for a file: XML-DSig and the path to the anchor, without XAdES."""
    program = shutil.which("xmlsec1")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        anchors = [Path(folder, f"{number}.der") for number in range(2)]
        for path, party in zip(anchors, (house.root, house.authority), strict=True):
            path.write_bytes(party.der)
        names = [str(path) for path in _written(Path(folder), files)]
        command = [program, "--verify", "--trusted-der", str(anchors[0]), "--untrusted-der", str(anchors[1])]
        command += ["--enabled-key-data", "x509", "--id-attr:Id", "SignedProperties"]
        return _each(lambda many: child([*command, *names[:many]])[1], len(names))


def dss(house: House, files: Sequence[bytes]) -> tuple[float, float] | None:
    """Seconds of processor time for a file once warm, and seconds for the first; None without EU DSS.

    Revocation data it takes from the file alone, and what the virtual machine compiles meanwhile counts.
    """
    java, javac = shutil.which("java"), shutil.which("javac")
    if java is None or javac is None or not JARS.is_dir():
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "root.der").write_bytes(house.root.der)
        subprocess.run([javac, "-cp", f"{JARS}/*", "-d", name, str(JUDGE)], check=True)
        lines = [f"{path}\t{folder / 'root.der'}\t\t\n" for path in _written(folder, files)]

        def judge(many: int) -> tuple[float, float, int]:
            asked = folder / "cases.tsv"
            asked.write_text("".join(lines[:many]), encoding="utf-8")
            return child([java, "-Xmx2g", "-cp", f"{folder}:{JARS}/*", "Judge", str(asked)])

        first, _, _ = judge(1)
        return _each(lambda many: judge(many)[1], len(lines)), first


def _each(cost: Callable[[int], float], count: int) -> float:
    """What one more file costs: the second half of them beside the first, without the start."""
    half = count // 2
    return (cost(count) - cost(half)) / (count - half)


def _written(folder: Path, files: Sequence[bytes]) -> list[Path]:
    paths = []
    for number, octets in enumerate(files):
        paths.append(folder / f"file-{number}")
        paths[-1].write_bytes(octets)
    return paths

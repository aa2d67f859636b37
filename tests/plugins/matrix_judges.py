"""Independent programs that judge the signatures of the matrix: what each says of a file, in short.

`VALID` is said by all of them alike; else it is what the program says. Nobody is asked what he is not for.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any, Final

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.registry import HeaderParameter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext
from signing_forms import asked

from trustworks.formats.xades.names import DS
from trustworks.signing.model import Format, Packaging

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from signature_matrix import Cell, Judging, Made

VALID: Final = "valid"


def of_dss(said: Mapping[str, Any], cell: Cell) -> str:
    """What EU DSS says of a file with one signature: of it, its level, and what it is by the trusted list."""
    if "error" in said:
        return str(said["error"])
    (one,) = said["signatures"]
    stamps = [
        str(stamp["sub_indication"]) for stamp in said["time_stamps"] if stamp["indication"] != "PASSED"
    ]
    if one["indication"] != "TOTAL_PASSED" or stamps:
        return " ".join([str(one["sub_indication"] or one["indication"]), *stamps])
    kinds = {str(stamp["qualification"]) for stamp in said["time_stamps"]}
    found = (str(one["level"]), str(one["qualification"]), *sorted(kinds))
    wanted = (cell.wanted, cell.qualified.dss, *(["QTSA"] if kinds else []))
    return VALID if found == wanted else " ".join(found)


def of_pyhanko(made: Made, judging: Judging, folder: Path) -> str:
    """pyHanko: signatures and time-stamps are intact, trusted, and nothing was changed after them."""
    del folder
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(judging.house.root)],
        other_certs=[asn1_x509.Certificate.load(judging.house.issuing)],
        crls=[one.read_bytes() for one in judging.lists],
        moment=judging.at,
    )
    try:
        for one in PdfFileReader(io.BytesIO(made.file.read_bytes())).embedded_signatures:
            if one.sig_object_type == "/DocTimeStamp":
                stamp = validate_pdf_timestamp(one, context)
                if not (stamp.intact and stamp.valid and stamp.trusted):
                    return f"document time-stamp {stamp.summary()}"
                continue
            status = validate_pdf_signature(one, context)
            if not (status.bottom_line and status.docmdp_ok):
                return str(status.summary())
    except Exception as error:  # noqa: BLE001 - whatever it says, it does not say that it is valid
        return f"{type(error).__name__}"
    return VALID


def of_pdfsig(made: Made, judging: Judging, folder: Path) -> str:
    """Poppler's pdfsig: value and digest, without certificates. Document time-stamps it does not look at."""
    del judging, folder
    said = _run("pdfsig", "-nocert", str(made.file)).stdout.decode()
    lines = [line.partition(": ")[2] for line in said.splitlines() if "Signature Validation:" in line]
    first = lines[0] if lines else "no signature"
    return VALID if first == "Signature is Valid." else first


def of_xmlsec1(made: Made, judging: Judging, folder: Path) -> str:
    """xmlsec1: the core of the XML signature, with a path to the root."""
    cwd, name = made.file.parent, made.file.name
    if made.cell.request.container is not None:
        cwd = folder / made.file.stem
        with zipfile.ZipFile(made.file) as opened:
            opened.extractall(cwd)
            (name,) = (one for one in opened.namelist() if "signatures" in one and one.endswith(".xml"))
    names = [
        "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
        *(f"{DS}:{local}" for local in ("Object", "Manifest", "SignatureValue", "KeyInfo")),
        *("b", "c"),
    ]
    said = _run(
        *("xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-der", str(_root(judging, folder))),
        *(one for local in names for one in ("--id-attr:Id", local)),
        *("--verification-gmt-time", f"{judging.at:%Y-%m-%d %H:%M:%S}", name),
        cwd=cwd,
    )
    return VALID if said.returncode == 0 else _line(said.stderr, "error=")


def of_openssl(made: Made, judging: Judging, folder: Path) -> str:
    """`openssl cms -verify -cades`, with the signed data beside it where it is not inside."""
    if made.cell.request.format is Format.JADES:
        return _of_openssl_jws(made, folder)
    request, file, content = made.cell.request, made.file, made.beside[0] if made.beside else None
    if request.container is not None:
        inside = folder / made.file.stem
        with zipfile.ZipFile(made.file) as opened:
            opened.extractall(inside)
            (name,) = (one for one in opened.namelist() if one.endswith(".p7s"))
            manifests = [one for one in opened.namelist() if one.startswith("META-INF/ASiCManifest")]
        file = inside / name
        content = inside / (manifests[0] if manifests else request.documents[0].name or "")
    root = x509.load_der_x509_certificate(judging.house.root).public_bytes(Encoding.PEM)
    (folder / "root.pem").write_bytes(root)
    said = _run(
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", str(file)),
        *(
            "-CAfile",
            str(folder / "root.pem"),
            "-purpose",
            "any",
            "-attime",
            str(int(judging.at.timestamp())),
        ),
        *(() if content is None else ("-content", str(content))),
        *("-out", str(folder / "content")),
    )
    return VALID if said.returncode == 0 else _line(said.stderr, "error:")


_OF_JWS: Final = {"ES": (), "ED": (), "RS": (), "PS": ("rsa_padding_mode:pss", "rsa_pss_saltlen:digest")}
"""Options of openssl for the value of a JWS, by how the name of the algorithm begins."""


def _public(made: Made) -> bytes:
    """The signer's public key (PEM)."""
    public = x509.load_der_x509_certificate(made.certificate).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _jws(made: Made) -> tuple[str, str, str, Any]:
    """Protected header, payload as it is signed, and value of a JWS (RFC 7515, 5.1); its JSON, if any."""
    octets = made.file.read_bytes()
    if made.cell.form == "jades-compact":
        protected, payload, value = octets.decode().split(".")
        return protected, payload, value, None
    whole: Any = json.loads(octets)
    if made.cell.form == "jades-by-hash":
        whole["payload"] = ""  # nothing is signed but the header, which names the digests of the files
    elif made.cell.request.packed_as is Packaging.DETACHED:
        content = b"".join(one.read_bytes() for one in made.beside)
        whole["payload"] = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
    one = (whole.get("signatures") or [whole])[0]
    return one["protected"], whole["payload"], one["signature"], whole


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def _of_openssl_jws(made: Made, folder: Path) -> str:
    """`openssl pkeyutl -verify`: the value over the protected header and the payload."""
    protected, payload, text, _ = _jws(made)
    name, value = json.loads(_decoded(protected))["alg"], _decoded(text)
    if name.startswith("ES"):
        half = len(value) // 2
        value = encode_dss_signature(*(int.from_bytes(one) for one in (value[:half], value[half:])))
    for file, octets in (
        ("public.pem", _public(made)),
        ("value", value),
        ("signed", f"{protected}.{payload}".encode()),
    ):
        (folder / file).write_bytes(octets)
    # `-rawin` takes the data and not its digest; with Ed25519 there is none.
    digest = () if made.cell.kind == "Ed25519" else ("-digest", f"sha{name[-3:]}")
    said = _run(
        *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "signed"),
        *("-sigfile", "value", *digest),
        *(one for option in _OF_JWS[name[:2].upper()] for one in ("-pkeyopt", option)),
        cwd=folder,
    )
    return VALID if said.returncode == 0 else _line(said.stderr or said.stdout, "Failure")


def of_joserfc(made: Made, judging: Judging, folder: Path) -> str:
    """joserfc: the value over the protected header and the payload."""
    del judging, folder
    name = made.cell.kind
    kind = RSAKey if name.startswith("RSA") else OKPKey if name.startswith("Ed") else ECKey
    protected, _, _, whole = _jws(made)
    header = json.loads(_decoded(protected))
    # What JAdES adds, and says is critical, is taken as understood.
    ours = (
        {one: HeaderParameter("JAdES", lambda _: None) for one in header["crit"]} if "crit" in header else {}
    )
    registry = jws.JWSRegistry(ours, strict_check_header=False, algorithms=[header["alg"]])
    registry.max_header_length = 1_000_000
    registry.max_payload_length = 1_000_000
    registry.max_signature_length = 1_000_000
    try:
        key: Any = kind.import_key(_public(made))
        if whole is None:
            jws.deserialize_compact(made.file.read_bytes(), key, registry=registry)
        else:
            jws.deserialize_json(whole, key, registry=registry)
    except Exception as error:  # noqa: BLE001 - whatever it says, it does not say that it is valid
        return f"{type(error).__name__}"
    return VALID


def of_zipfile(made: Made, judging: Judging, folder: Path) -> str:
    """Python's zipfile: sound, the type first and as it is, and every document as it was."""
    del judging, folder
    with zipfile.ZipFile(made.file) as opened:
        first = opened.infolist()[0]
        if opened.testzip() is not None:
            return "damaged"
        if (first.filename, first.compress_type, first.extra) != ("mimetype", zipfile.ZIP_STORED, b""):
            return "mimetype is not first"
        if not opened.read(first).startswith(b"application/vnd.etsi.asic-"):
            return "mimetype"
        wanted = made.cell.request.documents
        there = [opened.read(one.name or "") == one.data.octets() for one in wanted]
    return VALID if all(there) else "document"


JUDGES: Final[Mapping[str, tuple[Callable[[Made, Judging, Path], str], Callable[[str], bool]]]] = {
    "pyHanko": (of_pyhanko, lambda form: asked(form).format is Format.PADES),
    "pdfsig": (of_pdfsig, lambda form: asked(form).format is Format.PADES),
    "xmlsec1": (of_xmlsec1, lambda form: asked(form).format is Format.XADES),
    "openssl": (of_openssl, lambda form: asked(form).format in {Format.CADES, Format.JADES}),
    "joserfc": (of_joserfc, lambda form: asked(form).format is Format.JADES),
    "zipfile": (of_zipfile, lambda form: asked(form).container is not None),
}
"""Each judge, and whether it is for a form."""


def _root(judging: Judging, folder: Path) -> Path:
    file = folder / "root.cer"
    file.write_bytes(judging.house.root)
    return file


def _run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(list(command), cwd=cwd, capture_output=True, check=False, timeout=120)
    except FileNotFoundError:
        without = pytest.fail if "CI" in os.environ else pytest.skip
        without(f"NOT TESTED, because {command[0]} is not there: tools/setup tests gets it")


def _line(said: bytes, where: str) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if where in line]
    return lines[0][-160:] if lines else said.decode(errors="replace")[-160:].strip()

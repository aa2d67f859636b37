"""`trustworks integrity bom | attest | check-attestation`: what comes with a release or an installation."""

from __future__ import annotations

import json
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.app.wiring import Wiring
    from trustworks.assurance.integrity.bom import ModuleOfKeys

MOST_OCTETS: Final = 4 << 20  # of a file of attestations


def bom(
    context: typer.Context,
    *,
    cryptography: Annotated[
        bool,
        typer.Option(
            "--cryptography",
            help="That of cryptography: algorithms, and of the configuration its modules and keys.",
        ),
    ] = False,
    without_configuration: Annotated[
        bool, typer.Option("--without-configuration", help="Of the product alone, as for a release.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; without it: printed.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a file that is there.")] = False,
) -> None:
    """Write a bill of materials (CycloneDX 1.6): of software, or of cryptography."""
    from trustworks.assurance.integrity import bom as module  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.assurance.integrity.identity import product_identity  # noqa: PLC0415 - as above
    from trustworks.core.output import write_output  # noqa: PLC0415 - as above

    product = product_identity()
    if not cryptography:
        document = module.software_bom(product)
    elif without_configuration:
        document = module.cryptography_bom(product)
    else:
        document = _of_configuration(context.obj)
    if out is None:
        typer.echo(module.as_octets(document).decode(), nl=False)
    else:
        write_output(out, [module.as_octets(document)], replace=replace)


def _of_configuration(wiring: Wiring) -> dict[str, Any]:
    from trustworks.assurance.integrity.bom import cryptography_bom  # noqa: PLC0415 - as above
    from trustworks.assurance.integrity.identity import identity_in  # noqa: PLC0415 - as above
    from trustworks.core.keys.records import keys_with  # noqa: PLC0415 - loads SQLAlchemy

    modules = modules_of(wiring)
    with wiring.open_database() as database, database.read() as connection:
        return cryptography_bom(identity_in(wiring.run_dir), modules, keys_with(connection))


def modules_of(wiring: Wiring) -> list[ModuleOfKeys]:
    """The modules that the configuration's tokens are in, as it declares them. No token is opened."""
    from trustworks.app.configuration.laboratory import is_software  # noqa: PLC0415 - as above
    from trustworks.assurance.integrity.bom import ModuleOfKeys  # noqa: PLC0415 - as above
    from trustworks.core.module import find_library  # noqa: PLC0415 - loads the binding

    config = wiring.config
    named = [name for name, value in config.tokens.model_dump().items() if value and name != "further"]
    named += config.tokens.further
    if not named:
        return []
    library = find_library(config.module.library)
    declared = {one.token: one.certification() for one in config.module.certified}
    return [
        ModuleOfKeys(
            token=name,
            software=is_software(config.provider, config.module),
            library=library.name,
            library_sha256=_sha256(library),
            certification=declared.get(name),
        )
        for name in named
    ]


def attest(
    files: Annotated[list[Path], typer.Argument(help="The files of the release.")],
    *,
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="FILE|URI",
            help="The private key that signs: the pkcs11: URI of a key on a token, or a PEM file.",
        ),
    ],
    commit: Annotated[str, typer.Option("--commit", help="The commit that was built, in hexadecimal.")],
    lock: Annotated[Path, typer.Option("--lock", help="The lock of the dependencies.")] = Path("uv.lock"),
    epoch: Annotated[int, typer.Option("--epoch", min=0, help="SOURCE_DATE_EPOCH of the build.")] = 0,
    builder: Annotated[
        str, typer.Option("--builder", help="Who built: a URI, which whoever verifies knows.")
    ] = "urn:trustworks:builder:a-person",
    out: Annotated[Path, typer.Option("--out", help="Where to write the attestations.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace a file that is there.")] = False,
) -> None:
    """Sign where the files of a release come from, and that these are they: in-toto statements."""
    from importlib.metadata import version  # noqa: PLC0415 - keeps `--help` quick

    from trustworks.app.acting import ask  # noqa: PLC0415 - as above
    from trustworks.assurance.integrity import attestation as module  # noqa: PLC0415 - as above
    from trustworks.assurance.traceability.released import check_commit  # noqa: PLC0415 - as above
    from trustworks.core.output import check_output, write_output  # noqa: PLC0415 - as above
    from trustworks.core.roles.signers import open_signer  # noqa: PLC0415 - as above

    check_commit(commit)
    check_output(out, replace=replace, read=(*files, lock))
    subjects = _subjects(files)
    told = module.provenance(
        version=version("trustworks"), commit=commit, epoch=epoch, lock_sha256=_sha256(lock), builder=builder
    )
    with open_signer(key, ask=ask) as signer:
        lines = [module.attest(subjects, module.PROVENANCE, told, signer)]
        lines += [
            module.attest({name: digest}, module.PUBLISH, None, signer)
            for name, digest in sorted(subjects.items())
            if name.endswith(module.DISTRIBUTIONS)
        ]
    write_output(out, lines, replace=replace)
    typer.echo(f"{len(subjects)} files are attested by the key {signer.key_id} in {out}.")


def check_attestation(
    attestations: Annotated[Path, typer.Argument(help="The file of attestations.")],
    files: Annotated[list[Path], typer.Argument(help="The files of the release.")],
    *,
    key: Annotated[Path, typer.Option("--key", help="The public key, or a certificate of it (PEM).")],
    as_json: AsJson = False,
) -> None:
    """Verify that a key attested these files. Needs no network. Exit code 1: it did not."""
    from trustworks.assurance.integrity.attestation import check_files  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.assurance.integrity.verification_key import read_verification_key  # noqa: PLC0415
    from trustworks.core.durable import read_at_most  # noqa: PLC0415 - as above

    try:
        content = read_at_most(attestations, MOST_OCTETS)
    except OSError as error:
        raise Malformed(f"{attestations} cannot be read: {error.strerror}.") from None
    if len(content) > MOST_OCTETS:
        raise Malformed(
            f"{attestations} is longer than {MOST_OCTETS >> 20} MiB: it is no file of attestations."
        )
    found = check_files(content, read_verification_key(key), _subjects(files))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(f"{len(files)} files are as attested, in {len(found)} statements:")
    for one in found:
        typer.echo(f"- {one['predicateType']}")


def _subjects(files: Sequence[Path]) -> dict[str, str]:
    found = {one.name: _sha256(one) for one in files}
    if len(found) != len(files):
        raise Malformed("Two files have the same name; attestations name files without their folders.")
    return found


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from None

"""`trustworks integrity`: the signed manifest of an installation, and what comes with a release."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.app.commands import releases
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.app.wiring import Wiring
    from trustworks.assurance.integrity.making import Outcome
    from trustworks.assurance.integrity.tree import Place

app = typer.Typer(
    no_args_is_help=True, help="The signed manifest of an installation; bills of materials and attestations."
)

ENVIRONMENT = "environment"  # the root that a folder without a name stands for, where there are several
TREE = "tree"  # the root of a manifest that is made of one folder

Trees = Annotated[
    list[str] | None,
    typer.Option(
        "--tree",
        metavar="[ROOT=]DIR",
        help="A folder in place of this installation: of the manifest's root of that name, else of its only "
        "one, or of environment. May be repeated.",
    ),
]


@app.callback()
def integrity() -> None:
    """The signed manifest of an installation; bills of materials and attestations."""
    sys.dont_write_bytecode = True  # else what is signed here would differ once a module was loaded


@app.command()
def make(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write the manifest.")],
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="FILE|URI",
            help="The private key that signs: the pkcs11: URI of a key on a token, or a PEM file. Passphrase "
            "or PIN are asked for, or read as a line of standard input.",
        ),
    ],
    tree: Trees = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a manifest that is there.")] = False,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", help="Write the public key (PEM) there, for who verifies.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign what is installed here: every file of it, the interpreter, and the PKCS#11 library."""
    from importlib.metadata import version  # noqa: PLC0415 - keeps `--help` quick

    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.progress import Progress  # noqa: PLC0415 - as above

    from trustworks.app.acting import ask  # noqa: PLC0415 - as above
    from trustworks.assurance.integrity import making  # noqa: PLC0415
    from trustworks.assurance.integrity.manifest import signed  # noqa: PLC0415
    from trustworks.core.output import check_output, write_output  # noqa: PLC0415
    from trustworks.core.roles.signers import open_signer  # noqa: PLC0415

    wiring: Wiring = context.obj
    found = _given(tree) if tree else _installed(wiring)
    for one in (out, public_key):
        if one is not None:
            check_output(one, replace=replace)
            _check_outside(one, found)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        files = shown.add_task("Files looked at", total=None)
        manifest = making.make(
            found,
            version=None if tree else version("trustworks"),
            each=lambda: shown.update(files, advance=1),
        )
    with open_signer(key, ask=ask, lab=_is_lab(wiring), library=_library_for(wiring)) as signer:
        content = signed(manifest, signer)
        if public_key is not None:
            write_output(public_key, [_pem(signer.public_key)], replace=replace)
    write_output(out, [content], replace=replace)
    others = () if tree else making.writable_in(found)
    told = {
        "manifest": str(out),
        "sha256": manifest.digest,
        "version": manifest.statement.version,
        "build": manifest.statement.build,
        "entries": manifest.statement.entries,
        "roots": list(manifest.statement.roots),
        "key": signer.key_id,
        "writable": len(others),
    }
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    empty = sum(one.kind == "folder" for one in manifest.entries)
    folders = f" and {empty} empty folder(s)" if empty else ""
    typer.echo(
        f"{manifest.statement.entries - empty} files and links{folders} of "
        f"{', '.join(manifest.statement.roots)}.\n"
        f"Manifest {manifest.digest}, build {manifest.statement.build[:12]}, signed by the key "
        f"{signer.key_id}.\n"
        f"Written to {out}."
    )
    if others:
        typer.secho(
            f"{len(others)} of what was signed may be changed by others than its owner, and outside of "
            f"laboratories nothing is started from it:\n{making.listed([one.sentence for one in others])}",
            err=True,
            fg="yellow",
        )


@app.command()
def verify(
    context: typer.Context,
    *,
    tree: Trees = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="The manifest. Default: that of the configuration.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="The public key, or a certificate of it (PEM), that signed the manifest. Default: that of "
            "the configuration.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare an installation, or a copied tree, with its manifest. Exit code 1: something differs.

    Needs nothing but the manifest and the public key, and imports and runs nothing of a tree.
    """
    from trustworks.assurance.integrity import making  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.assurance.integrity.manifest import read_file, verified  # noqa: PLC0415
    from trustworks.assurance.integrity.verification_key import read_verification_key  # noqa: PLC0415

    wiring: Wiring = context.obj
    if manifest is None or key is None:
        settings = wiring.config.integrity
        manifest, key = manifest or settings.manifest, key or settings.key
    if manifest is None or key is None:
        raise Malformed(
            "Which manifest, by which key? Give --manifest and --key, or name both in [integrity] of the "
            "configuration."
        )
    read = verified(read_file(manifest), read_verification_key(key))
    if tree:
        found = making.verify(read, _given(tree, read.statement.roots))
    else:
        found = making.verify_installation(read, _installed(wiring))
    if as_json:
        typer.echo(json.dumps(_document(found), indent=1))
    else:
        _tell(found)
    if not found.ok:
        raise typer.Exit(1)


app.command()(releases.bom)
app.command()(releases.attest)
app.command("check-attestation")(releases.check_attestation)


def _tell(found: Outcome) -> None:
    statement = found.manifest.statement
    for one in found.deviations:
        typer.secho(f"{one.difference.value}: {one.sentence}", fg="red")
    typer.echo(
        f"Manifest {found.manifest.digest} (version {statement.version}, build {statement.build[:12]}): "
        f"{found.files} files and links of {', '.join(found.checked) or 'no root'} looked at, "
        + (f"{len(found.deviations)} differ." if found.deviations else "all as signed.")
    )
    if found.unchecked:
        typer.echo(f"Not looked at: {', '.join(found.unchecked)}. Name where they lie by --tree ROOT=DIR.")


def _document(found: Outcome) -> dict[str, object]:
    statement = found.manifest.statement
    return {
        "ok": found.ok,
        "manifest": found.manifest.digest,
        "version": statement.version,
        "build": statement.build,
        "files": found.files,
        "checked": list(found.checked),
        "unchecked": list(found.unchecked),
        "deviations": [one.as_dict() for one in found.deviations],
    }


def _given(trees: Sequence[str], roots: Sequence[str] = ()) -> list[Place]:
    """The places that `--tree` names; `roots` are those of the manifest that they are compared with."""
    from trustworks.assurance.integrity.tree import Place  # noqa: PLC0415 - as above

    found: list[Place] = []
    for one in trees:
        named = re.fullmatch(r"([a-z][a-z0-9-]*)=(.+)", one, re.DOTALL)
        usual = roots[0] if len(roots) == 1 else ENVIRONMENT if roots else TREE
        root, folder = (named[1], Path(named[2])) if named else (usual, Path(one))
        if not folder.is_dir():
            raise Malformed(f"--tree {one!a}: there is no folder {folder}.")
        if root in {place.root for place in found}:
            raise Malformed(f"--tree: two folders are given for the root {root}. Name each: --tree ROOT=DIR.")
        found.append(Place(root=root, folder=folder.resolve()))
    return found


def _installed(wiring: Wiring) -> list[Place]:
    """This installation, with the PKCS#11 library where a configuration leads to one."""
    from trustworks.app.wiring.installed import roots  # noqa: PLC0415 - as above
    from trustworks.assurance.integrity.installation import places  # noqa: PLC0415 - as above

    return list(roots(wiring.config) if _is_configured(wiring) else places())


def _is_configured(wiring: Wiring) -> bool:
    from trustworks.app.configuration.config import DEFAULT_PLACES, is_file  # noqa: PLC0415 - as above

    return wiring.given is not None or any(map(is_file, DEFAULT_PLACES))


def _library_for(wiring: Wiring) -> Path | None:
    """The library that the configuration names for keys on tokens; None: where it usually is."""
    return wiring.config.module.library if _is_configured(wiring) else None


def _is_lab(wiring: Wiring) -> bool:
    return _is_configured(wiring) and wiring.lab


def _check_outside(out: Path, found: Sequence[Place]) -> None:
    for one in found:
        if one.only is None and out.resolve().is_relative_to(one.folder):
            raise Rejected(
                "integrity.out",
                f"{out} lies in {one.folder}, which the manifest is of, and would differ from it at once. "
                "Write it somewhere else.",
            )


def _pem(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as above

    written: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return written

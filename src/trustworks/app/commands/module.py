"""`trustworks module`: tokens, keys, capabilities, health and approval of the cryptographic module."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.commands.tokens import (
    AsJson,
    Lab,
    Label,
    Library,
    ModuleWiring,
    Token,
    Uri,
    log_of,
    names,
    opened,
    record,
)
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import (
    Approval,
    KeyAlgorithm,
    Module,
    Pkcs11Uri,
    initialise_token,
    write_approval,
)
from trustworks.core.module.requests import certification_request

if TYPE_CHECKING:
    from trustworks.core.audit import Recorder
    from trustworks.core.module import Capability, Key, ModuleHealth, ModuleInfo

app = typer.Typer(no_args_is_help=True, help="The cryptographic module: tokens, keys, capabilities, health.")


@app.command()
def info(
    context: typer.Context,
    *,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    lab: Lab = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not try out what the module can do.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what the module is, and try out what it can do.

    A key of each kind is made for one session, and signs by each of its schemes.
    """
    answers = []
    for name in names(context, token, uri):
        with opened(context, token=name, uri=uri, library=library, lab=lab) as module:
            found, tried = module.info(), () if quick else module.capabilities()
        answers.append(_info_facts(name, found, tried))
        if not as_json:
            typer.echo(_info_text(found, tried))
    if as_json:
        typer.echo(json.dumps({"tokens": answers}))


def _info_facts(name: str | None, found: ModuleInfo, tried: tuple[Capability, ...]) -> dict[str, Any]:
    facts = asdict(found) | {"library": str(found.library), "library_sha256": found.library_sha256.hex()}
    facts["token"] = name
    facts["capabilities"] = [
        {
            "algorithm": one.algorithm.value,
            "generation_ms": one.generation_ms,
            "schemes": [scheme.name for scheme in one.schemes],
            "why_not": one.why_not,
        }
        for one in tried
    ]
    return facts


def _info_text(found: ModuleInfo, tried: tuple[Capability, ...]) -> str:
    lines = [
        ("token", f"{found.token_label} ({found.token_model}, serial {found.token_serial})"),
        ("made by", found.token_manufacturer),
        ("versions", f"hardware {found.hardware_version}, firmware {found.firmware_version}"),
        ("library", f"{found.library} ({found.library_description} {found.library_version})"),
        ("SHA-256", found.library_sha256.hex()),
        ("PKCS#11", ", ".join((found.cryptoki_version, *found.interfaces))),
        ("mechanisms", str(len(found.mechanisms))),
    ]
    for one in tried:
        able = ", ".join(scheme.name for scheme in one.schemes)
        lines.append((one.algorithm.value, "; ".join(part for part in (able, one.why_not) if part)))
    if found.is_test_module:
        lines.append(("NOTE", "this is a test module: it protects no key that anybody relies on"))
    return "\n".join(f"{name:<17}{text}" for name, text in lines)


def _key_facts(key: Key) -> dict[str, Any]:
    return {
        "label": key.label,
        "id": key.key_id.hex(),
        "algorithm": key.algorithm.value,
        "spki_sha256": key.spki_sha256.hex(),
        "uri": str(key.uri),
    }


@app.command()
def keys(
    context: typer.Context,
    *,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    lab: Lab = False,
    as_json: AsJson = False,
) -> None:
    """List the private keys with their protection."""
    answers = []
    for name in names(context, token, uri):
        with opened(context, token=name, uri=uri, library=library, lab=lab) as module:
            found = [_key_facts(key) | {"attributes": key.attributes()} for key in module.keys()]  # noqa: SIM118 - no dictionary
            answers.append({"token": name, "uri": str(module.token_uri), "keys": found})
            if not as_json:
                typer.echo(
                    "\n".join((f"{module.token_uri.token}: {len(found)} key(s)", *map(_key_text, found)))
                )
    if as_json:
        typer.echo(json.dumps({"tokens": answers}))


def _key_text(key: dict[str, Any]) -> str:
    inside = "stays inside" if key["attributes"]["extractable"] is False else "CAN BE EXTRACTED"
    return f"  {key['label']:<24}{key['algorithm']:<17}{key['id']:<42}{inside}"


@app.command("init-token")
def init_token(
    context: typer.Context,
    label: Annotated[str, typer.Option("--label", "-l", help="The new token's label.")],
    pin_file: Annotated[Path, typer.Option(help="A new file (mode 0600) for the user's PIN.")],
    so_pin_file: Annotated[Path, typer.Option(help="A new file for the security officer's PIN.")],
    library: Annotated[
        Path | None, typer.Option(help="The PKCS#11 library. Default: [module] library, else SoftHSM2.")
    ] = None,
    *,
    probe_key: Annotated[
        bool, typer.Option("--probe-key/--no-probe-key", help="Make the key that `health` signs with.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Make a new token with random PINs on a free slot; one that exists already is never touched.

    Keep the security officer's file away from this machine afterwards: no service needs it.
    """
    where: dict[str, Any] = {"library": library} if library else _configured(context)
    made: list[Path] = []
    with log_of(context, alone=True) as recorder:
        try:
            user_pin, so_pin = (_new_pin_file(file, made) for file in (pin_file, so_pin_file))
            initialise_token(label=label, user_pin=user_pin, so_pin=so_pin, **where)
        except BaseException:
            for file in made:
                file.unlink()
            raise
        record(recorder, "module.token-initialised", Pkcs11Uri(token=label), {"label": label})
        if probe_key:
            here = Pkcs11Uri(token=label, pin_source=f"file:{quote(str(pin_file.absolute()))}")
            with Module.open(here, read_write=True, **where) as module:
                _make_probe_key(recorder, module)
    named = Pkcs11Uri(token=label, pin_source=f"file:{quote(str(pin_file))}")
    if as_json:
        facts = {"uri": str(named), "pin_file": str(pin_file), "so_pin_file": str(so_pin_file)}
        typer.echo(json.dumps(facts))
    else:
        typer.echo(f"{named}\nPut that line under [tokens], and take {so_pin_file} off this machine.")


def _configured(context: typer.Context) -> dict[str, Any]:
    """The library of the configuration, where there is a configuration."""
    wiring: ModuleWiring | None = context.obj
    if wiring is None:
        return {}
    try:
        return {"settings": wiring.config.module, "base": wiring.base}
    except Malformed:
        if wiring.given is not None:
            raise
        return {}


def _new_pin_file(file: Path, made: list[Path]) -> str:
    """A random PIN in a file that did not exist, readable by its owner alone; the file is added to `made`."""
    pin = secrets.token_urlsafe(18)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Rejected(
            "module.pin-file", f"{file} exists already; a PIN is never written over another. Name a new file."
        ) from None
    except OSError as error:
        raise Unavailable(
            "module.pin-file", f"The PIN file {file} cannot be created: {error.strerror}. Check the folder."
        ) from None
    made.append(file)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{pin}\n")
        stream.flush()
        os.fsync(stream.fileno())
    return pin


@app.command("generate-key")
def generate_key(
    context: typer.Context,
    label: Label,
    *,
    algorithm: Annotated[
        KeyAlgorithm, typer.Option("--algorithm", "-a", help="The kind of key.")
    ] = KeyAlgorithm.P256,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    lab: Lab = False,
    as_json: AsJson = False,
) -> None:
    """Make a key pair whose private key can never leave the module."""
    with (
        log_of(context, alone=uri is not None) as recorder,
        opened(context, token=token, uri=uri, library=library, lab=lab, read_write=True) as module,
    ):
        key = module.generate_key_pair(label=label, algorithm=algorithm)
        facts = _record_made(recorder, module, key)
    typer.echo(
        json.dumps(facts) if as_json else f"{facts['uri']}\nSHA-256 of the SPKI {facts['spki_sha256']}"
    )


def _record_made(recorder: Recorder | None, module: Module, key: Key) -> dict[str, Any]:
    """Write that a key was made to the audit log; a key that the log does not know of must not stay."""
    facts = _key_facts(key)
    try:
        record(recorder, "module.key-generated", module.token_uri, facts)
    except BaseException:
        module.destroy(key)
        raise
    return facts


def _make_probe_key(recorder: Recorder | None, module: Module) -> None:
    before = {key.key_id for key in module.keys()}  # noqa: SIM118 - no dictionary
    key = module.ensure_probe_key()
    if key.key_id not in before:
        _record_made(recorder, module, key)


@app.command()
def request(
    context: typer.Context,
    label: Label,
    *,
    subject: Annotated[
        str | None,
        typer.Option(
            help='The subject, such as "C=XX, CN=TSU 2 TEST", for an authority that reads it there.'
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the request here (PEM), in place of standard output.")
    ] = None,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    lab: Lab = False,
    as_json: AsJson = False,
) -> None:
    """Make a certification request (PKCS#10) for a key, signed in the module.

    For `trustworks certificate issue --csr`, which takes the key from it and the subject from its own option.
    """
    name = _name(subject)
    with (
        log_of(context, alone=uri is not None) as recorder,
        opened(context, token=token, uri=uri, library=library, lab=lab) as module,
    ):
        key = module.key(label=label)
        csr = x509.load_der_x509_csr(certification_request(key, name))
        facts = _key_facts(key) | {"subject": csr.subject.rfc4514_string()}
        record(recorder, "module.request-made", module.token_uri, facts)
    pem = csr.public_bytes(Encoding.PEM).decode("ascii")
    if out is not None:
        try:
            put(out, pem)
        except OSError as error:
            raise Rejected(
                "module.request-file", f"{out} cannot be written: {error.strerror}. Name another file."
            ) from None
    if as_json:
        typer.echo(json.dumps(facts | {"request": pem}))
    elif out is None:
        typer.echo(pem, nl=False)
    else:
        typer.echo(f"{facts['uri']}\nThe request is in {out}.")


def _name(subject: str | None) -> x509.Name:
    from trustworks.issuance.profiles.tbs import distinguished_name  # noqa: PLC0415 - few commands name anybody
    from trustworks.issuance.wire import read_subject  # noqa: PLC0415 - as above

    return distinguished_name(() if subject is None else read_subject(subject))


@app.command("destroy-key")
def destroy_key(
    context: typer.Context,
    label: Label,
    reason: Annotated[str, typer.Option(help="Why; goes into the audit log.")],
    *,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    lab: Lab = False,
    confirm: Annotated[
        str | None, typer.Option(help="The key's label again; asked for where it is absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Destroy a key for ever. Restart the services that use it: with SoftHSM2 they sign with a copy of it."""
    with (
        log_of(context, alone=uri is not None) as recorder,
        opened(context, token=token, uri=uri, library=library, lab=lab, read_write=True) as module,
    ):
        key = module.key(label=label)
        if confirm is None:
            confirm = typer.prompt(f"{key.uri} will be lost for ever. Type its label", err=True)
        if confirm != label:
            raise Rejected("module.confirmation", "The label was not repeated; nothing was destroyed.")
        facts = _key_facts(key) | {"reason": reason}
        record(recorder, "module.key-destruction-ordered", module.token_uri, facts)
        module.destroy(key)
        record(recorder, "module.key-destroyed", module.token_uri, facts)
    typer.echo(json.dumps(facts) if as_json else f"{facts['uri']} is destroyed.")


@app.command()
def health(
    context: typer.Context,
    *,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    lab: Lab = False,
    make_probe_key: Annotated[
        bool, typer.Option("--make-probe-key", help="Make the probe key where it is absent.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether the module is well; exit code 1 when it is not.

    Signs and verifies with the probe key, looks at random numbers and PIN flags, compares with the approval.
    """
    answers = []
    with log_of(context, alone=uri is not None) if make_probe_key else nullcontext() as recorder:
        for name in names(context, token, uri):
            with opened(
                context, token=name, uri=uri, library=library, lab=lab, read_write=make_probe_key
            ) as module:
                if make_probe_key:
                    _make_probe_key(recorder, module)
                found = module.health()
                answers.append({"token": name, "uri": str(module.token_uri), **asdict(found)})
                if not as_json:
                    typer.echo(_health_text(str(module.token_uri.token), found))
    if as_json:
        typer.echo(json.dumps({"ok": all(one["ok"] for one in answers), "tokens": answers}))
    if not all(one["ok"] for one in answers):
        raise typer.Exit(1)


def _health_text(name: str, found: ModuleHealth) -> str:
    signed = "" if found.latency_us is None else f", signed and verified in {found.latency_us:.0f} us"
    verdict = f"{name}: {'well' if found.ok else 'NOT WELL'}{signed}"
    return "\n".join((verdict, *(f"  - {finding}" for finding in found.findings)))


@app.command()
def approve(
    context: typer.Context,
    operator: Annotated[str, typer.Option(help="Who approves.")],
    *,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    file: Annotated[Path | None, typer.Option(help="The approval file. Default: [module] approval.")] = None,
    lab: Lab = False,
    as_json: AsJson = False,
) -> None:
    """Approve library, versions and mechanisms as they are now; from then on `health` tells what changed.

    Look at `trustworks module info` before.
    """
    approvals = []
    with log_of(context, alone=uri is not None) as recorder:
        for name in names(context, token, uri):
            with opened(context, token=name, uri=uri, library=library, lab=lab) as module:
                path = file or module.approval
                if path is None:
                    raise Rejected(
                        "module.approval", "Say where approvals are kept: [module] approval, or --file."
                    )
                approval = Approval.of(module.info(), operator=operator)
                record(recorder, "module.approved", module.token_uri, asdict(approval))
                write_approval(path, approval)
                approvals.append(asdict(approval) | {"file": str(path)})
                if not as_json:
                    count = len(approval.mechanisms)
                    typer.echo(f"{module.token_uri.token}: {count} mechanisms approved in {path}")
    if as_json:
        typer.echo(json.dumps({"approvals": approvals}))

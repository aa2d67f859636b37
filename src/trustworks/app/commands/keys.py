"""`trustworks module keys, generate-key, request, destroy-key`: the life of a key in the module."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.commands.tokens import (
    Lab,
    Label,
    Library,
    Token,
    Uri,
    WeakAlgorithms,
    check_agreed,
    held,
    log_of,
    names,
    opened,
)
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.events import destroy_key as told_destruction
from trustworks.core.module.events import key_facts, new_key
from trustworks.core.module.requests import certification_request
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.app.commands.tokens import ModuleWiring
    from trustworks.core.module import Module


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
            found = [key_facts(key) | {"attributes": key.attributes()} for key in module.keys()]  # noqa: SIM118 - no dictionary
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


@performs(Act.RUN_CEREMONY, alone=True)
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
    weak_algorithms: WeakAlgorithms = False,
    as_json: AsJson = False,
) -> None:
    """Make a key pair whose private key can never leave the module."""
    with (
        log_of(context, alone=uri is not None) as (on_event, _),
        opened(context, token=token, uri=uri, library=library, lab=lab, read_write=True) as module,
    ):
        check_agreed(module, algorithm, lab=lab, weak=weak_algorithms)
        here = {"token": module.token_uri.token, "serial": module.token_uri.serial}
        about = here | {"label": label, "algorithm": algorithm.value}
        with held(
            context, "key.generate", about, done=lambda one: module.has(key_id=bytes.fromhex(one))
        ) as hold:
            # By the hold's own number it is known again whether this very act has made it.
            key_id = None if hold is None else bytes.fromhex(hold.hold_id)
            facts = key_facts(new_key(on_event, module, label=label, algorithm=algorithm, key_id=key_id))
    typer.echo(
        json.dumps(facts) if as_json else f"{facts['uri']}\nSHA-256 of the SPKI {facts['spki_sha256']}"
    )


@performs(Act.RUN_CEREMONY, alone=True)
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
        Path | None, typer.Option(help="The new file for the request (PEM). Default: print.")
    ] = None,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    lab: Lab = False,
    weak_algorithms: WeakAlgorithms = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the file of --out if there is one. Default: refuse.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a certification request (PKCS#10) for a key, signed in the module.

    For `trustworks certificate issue --csr`, which takes the key from it and the subject from its own option.
    """
    name = _name(subject)
    if out is not None:
        check_output(out, replace=replace)
    with (
        log_of(context, alone=uri is not None) as (on_event, _),
        opened(context, token=token, uri=uri, library=library, lab=lab, any_state=True) as module,
    ):
        key = module.key(label=label)
        check_agreed(module, key.algorithm, lab=lab, weak=weak_algorithms)
        csr = x509.load_der_x509_csr(certification_request(key, name))
        facts = key_facts(key) | {"subject": csr.subject.rfc4514_string()}
        on_event("module.request-made", module.token_uri, facts)
    pem = csr.public_bytes(Encoding.PEM).decode("ascii")
    if out is not None:
        write_output(out, [pem.encode()], replace=replace)
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


_COPIES = (
    "A time-stamping unit that used it stops by itself within seconds. Restart other services that did: with "
    "SoftHSM2 they sign with a copy of it until they end."
)


def _entered(context: typer.Context, module: Module, label: str) -> dict[str, Any] | None:
    """The key with that label that the register has on the token, and an interruption left it so."""
    from trustworks.core.keys import records  # noqa: PLC0415 - few commands need it
    from trustworks.core.keys.model import places  # noqa: PLC0415 - as above

    wiring: ModuleWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        for one in records.keys_with(connection, label=label):
            there = places(records.history_of(connection, one.spki_sha256))
            if (module.token_uri.serial or "") in there and not module.has(key_id=bytes.fromhex(one.key_id)):
                return {
                    "label": one.label,
                    "id": one.key_id,
                    "algorithm": one.algorithm,
                    "spki_sha256": one.spki_sha256,
                    "found_after_interruption": True,
                }
    return None


def check_last(
    context: typer.Context, spki_sha256: str, *, token: str | None = None, backup: str | None = None
) -> None:
    """Refuse to destroy the last copy of an authority's key before its last list and answers are there.

    Whose key it is the database says, whatever the configuration leaves out.
    """
    wiring: ModuleWiring = context.obj
    from trustworks.issuance.termination import check_destruction  # noqa: PLC0415 - loads issuance

    with wiring.open_database() as database, database.read() as connection:
        check_destruction(connection, spki_sha256, token=token, backup=backup)


@performs(Act.RUN_CEREMONY, alone=True)
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
    """Destroy a key for ever; one that is gone already, though the register has it, is entered as gone.

    A time-stamping unit that runs stops by itself within seconds. Restart other services that use the key:
    with SoftHSM2 they sign with a copy of it until they end.
    """
    with (
        log_of(context, alone=uri is not None) as (on_event, registered),
        opened(context, token=token, uri=uri, library=library, lab=lab, read_write=True) as module,
    ):
        try:
            key = module.key(label=label)
        except Unavailable as error:
            gone = None if error.code != "module.key-absent" or uri else _entered(context, module, label)
            if gone is None:
                raise
            here = {"token": module.token_uri.token, "serial": module.token_uri.serial}
            lost = {"label": label, "spki_sha256": gone["spki_sha256"]}
            # That it is gone is no operator's word alone; what destroyed it may have held the approvals.
            with held(context, "key.destroy", here | lost, done=lambda _: True, completes=True):
                on_event("module.key-destroyed", module.token_uri, gone | {"reason": reason})
            typer.echo(json.dumps(gone) if as_json else f"{label} was gone; the register is told now.")
            return
        if confirm is None:
            confirm = typer.prompt(f"{key.uri} will be lost for ever. Type its label", err=True)
        if confirm != label:
            raise Rejected("module.confirmation", "The label was not repeated; nothing was destroyed.")
        if registered:
            check_last(context, key.spki_sha256.hex(), token=module.token_uri.serial)
        here = {"token": module.token_uri.token, "serial": module.token_uri.serial}
        about = here | {"label": label, "spki_sha256": key.spki_sha256.hex()}
        with held(context, "key.destroy", about, done=lambda _: not module.has(key_id=key.key_id)):
            facts = told_destruction(on_event, module, key, reason=reason)
    typer.echo(json.dumps(facts) if as_json else f"{facts['uri']} is destroyed.\n{_COPIES}")

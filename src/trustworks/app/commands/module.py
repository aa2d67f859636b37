"""`trustworks module`: what the cryptographic module is and can do, its health and its approval."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.app.commands.keys import destroy_key, generate_key, keys, request
from trustworks.app.commands.new_token import init_token
from trustworks.app.commands.tokens import (
    Lab,
    Library,
    Token,
    Uri,
    log_of,
    names,
    opened,
    unlogged,
)
from trustworks.core.errors import Rejected
from trustworks.core.module import Approval, write_approval
from trustworks.core.module.events import add_probe_key
from trustworks.core.module.health import flags_of
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.core.module import Capability, ModuleHealth, ModuleInfo, Validation

app = typer.Typer(no_args_is_help=True, help="The cryptographic module: tokens, keys, capabilities, health.")


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


def _claim(one: Validation) -> str:
    """One certificate that the module says it has."""
    level = "" if one.level is None else f"level {one.level}"
    version = f"version {one.version}" if one.version else ""
    parts = (one.identifier, one.module_id, version, level, one.profile, one.country, one.certificate_uri)
    return printable(", ".join(part for part in parts if part))


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
    lines += [("claims", _claim(one)) for one in found.validations]
    if found.signs_validated is not None:
        lines.append(
            ("signs within", ", ".join(map(printable, found.signs_validated)) or "no validated scope")
        )
    for one in tried:
        able = ", ".join(scheme.name for scheme in one.schemes)
        lines.append((one.algorithm.value, "; ".join(part for part in (able, one.why_not) if part)))
    if found.is_test_module:
        lines.append(("NOTE", "this is a test module: it protects no key that anybody relies on"))
    return "\n".join(f"{name:<17}{text}" for name, text in lines)


@performs(Act.RUN_CEREMONY, when="make_probe_key", alone=True)
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
    with (
        log_of(context, alone=uri is not None) if make_probe_key else nullcontext((unlogged, False)) as (
            on_event,
            _,
        )
    ):
        for name in names(context, token, uri):
            with opened(
                context, token=name, uri=uri, library=library, lab=lab, read_write=make_probe_key
            ) as module:
                if make_probe_key:
                    add_probe_key(on_event, module)
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


@performs(Act.APPROVE_MODULE, by="operator", alone=True)
def approve(
    context: typer.Context,
    operator: Annotated[
        str, typer.Option(help="Who approves; once there are operators: --as.", show_default=False)
    ] = "",
    *,
    token: Token = None,
    uri: Uri = None,
    library: Library = None,
    file: Annotated[Path | None, typer.Option(help="The approval file. Default: [module] approval.")] = None,
    lab: Lab = False,
    as_json: AsJson = False,
) -> None:
    """Approve library, versions, mechanisms and keys as they are now; what differs later signs nothing.

    Look at `trustworks module info` before.
    """
    approvals = []
    with log_of(context, alone=uri is not None) as (on_event, _):
        for name in names(context, token, uri):
            with opened(context, token=name, uri=uri, library=library, lab=lab) as module:
                path = file or module.approval
                if path is None:
                    raise Rejected(
                        "module.approval", "Say where approvals are kept: [module] approval, or --file."
                    )
                approval = Approval.of(
                    module.info(),
                    operator=operator,
                    objects=module.inventory(),
                    flags=flags_of(module),
                )
                on_event("module.approved", module.token_uri, asdict(approval))
                write_approval(path, approval)
                approvals.append(asdict(approval) | {"file": str(path)})
                if not as_json:
                    count = len(approval.mechanisms)
                    typer.echo(f"{module.token_uri.token}: {count} mechanisms approved in {path}")
    if as_json:
        typer.echo(json.dumps({"approvals": approvals}))


# In the order of `--help`, by the names that operators type.
for _name, _command in (
    ("info", info),
    ("keys", keys),
    ("init-token", init_token),
    ("generate-key", generate_key),
    ("request", request),
    ("destroy-key", destroy_key),
    ("health", health),
    ("approve", approve),
):
    app.command(_name)(_command)

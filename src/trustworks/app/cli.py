"""The `trustworks` command: noun, then verb; each noun's module is imported only when it is used."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
import warnings
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.printable import printable, utf8
from trustworks.core.trace import with_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRACEBACK = "TRUSTWORKS_TRACEBACK"  # set in the environment: a fault of the program is shown with its place
FAULT = 70  # EX_SOFTWARE of sysexits.h

_WORDS = {
    "<str>": "<text>",
    "<int>": "<number>",
    "<int range>": "<number>",
    "<float>": "<number>",
    "<float range>": "<number>",
    "<list[str]>": "<text>",
    "<list[Path]>": "<path>",
}

# noun -> (module that holds its Typer application, the line that `--help` shows)
NOUNS: dict[str, tuple[str, str]] = {
    "lab": ("trustworks.app.commands.lab", "Stand up a whole lab trust service provider and serve it."),
    "serve": ("trustworks.app.commands.serve", "Serve the services of a configuration."),
    "config": ("trustworks.app.commands.config", "Check the configuration, and say what each setting means."),
    "module": (
        "trustworks.app.commands.module",
        "The cryptographic module: tokens, keys, capabilities, health.",
    ),
    "keys": (
        "trustworks.app.commands.key_life",
        "Keys through their life, under dual control: ceremonies, backup, transfer, states.",
    ),
    "time": (
        "trustworks.app.commands.time",
        "The trusted clock: its state, and the release of a latched stop.",
    ),
    "audit": ("trustworks.app.commands.audit", "The audit log: verify, export, prove."),
    "roles": (
        "trustworks.app.commands.roles",
        "Trusted roles: operators, their credentials, approvals by several.",
    ),
    "doctor": ("trustworks.app.commands.doctor", "What has to be done still, the most urgent first."),
    "store": ("trustworks.app.commands.store", "The database: bring its schema up to date."),
    "timestamp": ("trustworks.timestamping.cli", "Time-stamps: request, verify, inspect."),
    "validate": (
        "trustworks.validation.cli.validate",
        "Validate signatures, seals and time-stamps in a file, and say why.",
    ),
    "sign": (
        "trustworks.signing.cli.sign",
        "Sign documents: PDF, XML, JSON, any files, alone or in a container.",
    ),
    "augment": (
        "trustworks.signing.cli.augment",
        "Give signatures time-stamps and the data to validate them later.",
    ),
    "agreement": (
        "trustworks.signing.cli.agreement",
        "What a person agreed to before a signature: verify.",
    ),
    "trust": (
        "trustworks.validation.cli.trust",
        "Trusted lists: refresh, list, show, certificate.",
    ),
    "certificate": ("trustworks.issuance.cli", "Certificates: issue, revoke, show, list."),
    "termination": (
        "trustworks.app.commands.termination",
        "The end of authorities by an approved plan: check, rehearse, run, verify.",
    ),
    "revocation": ("trustworks.issuance.cli:revocation", "Requests for revocation: who asked, what waits."),
    "crl": ("trustworks.issuance.cli:crl", "Certificate revocation lists: publish."),
    "trusted-list": (
        "trustworks.issuance.cli.trusted_list",
        "Our own trusted list and list of lists: build, show, verify, diff.",
    ),
    "api": ("trustworks.issuance.cli:api", "The JSON API: clients, sign-in."),
    "registration": (
        "trustworks.issuance.cli:registration",
        "Registration: applications, decisions.",
    ),
    "profile": ("trustworks.issuance.cli:profile", "Certificate profiles: list, show."),
    "cmp": ("trustworks.issuance.cli.cmp", "Enrolment by CMP and EST: secrets and certificates it goes by."),
    "acme": ("trustworks.issuance.cli:acme", "ACME: accounts, orders, keys of external account bindings."),
    "perspective": (
        "trustworks.issuance.cli.perspective",
        "Remote network perspectives: serve one, ask those that are configured.",
    ),
    "statements": (
        "trustworks.app.commands.statements",
        "Practice and disclosure statements: render, check, publish, list, show.",
    ),
    "integrity": (
        "trustworks.app.commands.integrity",
        "The signed manifest of an installation; bills of materials and attestations.",
    ),
    "assurance": (
        "trustworks.app.commands.assurance",
        "Requirements, where they are carried out and how they are shown.",
    ),
    "dossier": (
        "trustworks.app.commands.dossier",
        "Dossiers: verify, compare; by themselves, without a configuration.",
    ),
}


class _Noun(TyperGroup):
    """Stands for a noun in `--help`; turns into the real command when it is called."""

    def __init__(self, name: str, module: str, line: str) -> None:
        super().__init__(name=name, help=line, short_help=line)
        self._module = module

    def _load(self) -> Any:
        module, _, attribute = self._module.partition(":")
        command = get_command(getattr(importlib.import_module(module), attribute or "app"))
        command.name = self.name
        command.params = [one for one in command.params if not str(one.name).endswith("_completion")]
        return _plain(command)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._load().make_context(info_name, args, parent=parent, **extra)


def _plain(command: Any) -> Any:
    """The command without Rich's help pages, whose import alone takes half a second."""
    command.rich_markup_mode = None
    for parameter in command.params:
        _in_words(parameter)
        _in_utf8(parameter)
    for inner in getattr(command, "commands", {}).values():
        _plain(inner)
    return command


def _in_words(parameter: Any) -> None:
    """Let a parameter's help say what to write, in place of the Python type that it becomes."""
    python: Callable[[Any], str] = parameter.display_type
    parameter.display_type = lambda context: _WORDS.get(shown := python(context), shown)


def _in_utf8(parameter: Any) -> None:
    """Let a parameter refuse text that is no UTF-8, which no log, database or module could keep.

    A file's name may have any octets; it comes as a `Path`.
    """
    process: Callable[[Any, Any], Any] = parameter.process_value
    name = max(parameter.opts, key=len)

    def checked(context: Any, value: Any) -> Any:
        found = process(context, value)
        for one in found if isinstance(found, (list, tuple)) else (found,):
            if isinstance(one, str):
                try:
                    utf8(one)
                except Malformed as error:
                    raise Malformed(f"{name}: {error}") from None
        return found

    parameter.process_value = checked


class _Nouns(TyperGroup):
    """The top of the command line."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in NOUNS:
            return None
        module, line = NOUNS[cmd_name]
        return _Noun(cmd_name, module, line)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            details: list[Any] = getattr(error.__cause__, "errors", list)()
            if details:  # what Typer lets Pydantic check, told as for the configuration
                from trustworks.app.configuration.objections import given, objection  # noqa: PLC0415 - seldom needed

                error.message = f"{objection(details[0], quotes=False)}{given(details[0])}."
            raise


app = typer.Typer(
    cls=_Nouns,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version  # noqa: PLC0415 - costs 30 ms, needed by one flag

        typer.echo(f"trustworks {version('trustworks')}")
        raise typer.Exit


@app.callback()
def trustworks(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="TRUSTWORKS_CONFIG",
            help="The configuration file. Default: ./trustworks.toml, else ./lab/trustworks.toml.",
        ),
    ] = None,
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The trustworthy systems of a trust service provider."""
    del version
    from trustworks.app.acting import forget_remarks, tell_remarks  # noqa: PLC0415 - as below
    from trustworks.app.wiring import Wiring  # noqa: PLC0415 - keeps `--help` free of the services

    forget_remarks()
    context.call_on_close(tell_remarks)
    context.obj = Wiring.lazy(config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error becomes one sentence and an exit code.

    1: the answer is no, or cannot be given now; 2: malformed input; 70: a fault of the program.
    """
    # The library's words on what is odd in others' certificates are for programmers (-W shows them).
    if not sys.warnoptions:
        warnings.simplefilter("ignore", UserWarning)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file may hold any octets
    try:
        app(list(arguments) if arguments is not None else None)
    except TrustworksError as error:
        sentence = str(error) if isinstance(error, Refused) else with_rule(error)
        told = "\n".join(map(printable, sentence.split("\n")))  # the configuration's problems are a list
        typer.secho(f"{_family(error)}: {told}", err=True, fg="red")
        sys.exit(2 if isinstance(error, Malformed) else 1)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - the last line of defence: nothing else looks after it
        if os.environ.get(TRACEBACK):
            traceback.print_exception(error)
        told = printable(" ".join(f"{type(error).__name__}: {error}".split()))
        typer.secho(
            f"This is a fault of the program, which did not expect it ({told}). Please report it; "
            f"{TRACEBACK}=1 in the environment shows where it happened.",
            err=True,
            fg="red",
        )
        sys.exit(FAULT)


def _family(error: TrustworksError) -> str:
    match error:
        case Refused():
            return f"Refused by {error.requirement}"
        case Rejected():
            return f"Rejected ({error.code})"
        case Unavailable():
            return f"Unavailable ({error.code})"
        case _:
            return "Malformed"

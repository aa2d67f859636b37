"""`trustworks profile`: which certificates there are, and what each looks like."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from trustworks.issuance.profiles import PROFILES, SHORT_NAMES, profile_named

profile = typer.Typer(no_args_is_help=True, help="Certificate profiles: list, show.")


@profile.command("list")
def list_profiles(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the profiles as JSON.")] = False
) -> None:
    """List the profiles."""
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in PROFILES.values()]))
        return
    short = {full: name for name, full in SHORT_NAMES.items()}
    for one in PROFILES.values():
        also = f" (or {short[one.name]})" if one.name in short else ""
        typer.echo(f"{one.name + also:<36}{one.title}")


@profile.command()
def show(
    name: Annotated[str, typer.Argument(help="The profile's name.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the profile as JSON.")] = False,
) -> None:
    """Show what a certificate of a profile looks like."""
    found = profile_named(name)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    lines = [
        ("profile", f"{found.name}, version {found.version}"),
        ("for", found.title),
        (
            "issued by",
            "nothing but `trustworks lab` (the key ceremony is not built yet)"
            if found.ca
            else found.authority,
        ),
        ("valid", f"{found.days} days, at most {found.max_days}"),
        ("key usage", ", ".join(found.key_usage)),
        ("extended", ", ".join(found.extended_key_usage) or "none"),
        ("must have", ", ".join(found.required)),
        ("one of", " | ".join("/".join(group) for group in found.one_of) or "-"),
        ("may have", ", ".join(name for name in found.attributes if name not in found.required)),
        ("policies", ", ".join(found.policies) or "the provider's own alone"),
        ("from CSR", ", ".join(found.honours) or "the public key alone"),
    ]
    if found.private_key_days is not None:
        lines.append(("key signs", f"{found.private_key_days} days"))
    typer.echo("\n".join(f"{label:<11}{text}" for label, text in lines))

"""`trustworks profile`: which certificates there are, and what each looks like."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.issuance.profiles import PROFILES, SHORT_NAMES, VERSIONS, profile_named
from trustworks.issuance.rules.doors import open_doors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.issuance.model import Profile

profile = typer.Typer(no_args_is_help=True, help="Certificate profiles: list, show.")


@profile.command("list")
def list_profiles(*, as_json: AsJson = False) -> None:
    """List the profiles. A name in another version is written name/version."""
    if as_json:
        every = [one for versions in VERSIONS.values() for one in versions]
        typer.echo(json.dumps([asdict(one) for one in every], default=date.isoformat))
        return
    short = {full: name for name, full in SHORT_NAMES.items()}
    for one in PROFILES.values():
        also = f" (or {short[one.name]})" if one.name in short else ""
        others = [str(other.version) for other in VERSIONS[one.name] if other.version != one.version]
        more = f"; also in version {', '.join(others)}" if others else ""
        typer.echo(f"{one.name + also:<36}{one.title}{more}")


@profile.command()
def show(
    name: Annotated[str, typer.Argument(help="The profile's name, or name/version.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a certificate of a profile looks like."""
    found = profile_named(name)
    if as_json:
        typer.echo(json.dumps(asdict(found), default=date.isoformat))
        return
    lines = [
        ("profile", f"{found.name}, version {found.version}"),
        ("in use", _in_use(found)),
        ("for", found.title),
        ("had by", _had_by(found)),
        (
            "issued by",
            "nothing but key ceremonies, and `trustworks lab`" if found.ca else found.authority,
        ),
        ("valid", f"{found.days} days, at most {found.max_days}")
        if found.hours is None
        else ("valid", f"{found.hours} hours"),
        ("key usage", ", ".join(found.key_usage)),
        ("extended", ", ".join(found.extended_key_usage) or "none"),
        ("must have", ", ".join(found.required)),
        ("one of", " | ".join("/".join(group) for group in found.one_of) or "-"),
        ("may have", ", ".join(name for name in found.attributes if name not in found.required) or "-"),
        ("policies", ", ".join(found.policies) or "the provider's own alone"),
        ("from CSR", ", ".join(found.honours) or "the public key alone"),
        *_further(found),
    ]
    typer.echo("\n".join(f"{label:<11}{text}" for label, text in lines))


def _had_by(found: Profile) -> str:
    """The ways by which certificates of a profile are asked for outside a laboratory."""
    if found.ca:
        return "key ceremonies"
    return ", ".join(one.value for one in open_doors(found, lab=False))


def _in_use(found: Profile) -> str:
    until = "" if found.until is None else f" until {found.until}"
    others = [f"{one.name}/{one.version}" for one in VERSIONS[found.name] if one.version != found.version]
    beside = f"; beside {', '.join(others)}" if others else ""
    return f"from {found.since}{until}{beside}"


def _further(found: Profile) -> Iterator[tuple[str, str]]:
    """What only some profiles have."""
    if found.alternative_names == "required":
        yield "names", " or ".join(found.name_kinds)
    if found.qc_type is not None:
        yield "qualified", f"by EN 319 412-5 {found.qcs}, key in a QSCD: {'yes' if found.qc_sscd else 'no'}"
    if found.psd2:
        yield "states", "roles of payment services (TS 119 495)"
    if found.short_term:
        yield "status", "never revoked or held; the certificate says so (RFC 9608)"
    elif not found.suspension:
        yield "status", "never held"
    if found.private_key_days is not None:
        yield "key signs", f"{found.private_key_days} days"

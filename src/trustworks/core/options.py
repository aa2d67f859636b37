"""The options that commands of all nouns have alike, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
By = Annotated[
    str, typer.Option("--by", help="The role or pseudonym that acts; it goes into the audit log for good.")
]


def is_given(context: typer.Context, name: str) -> bool:
    """Whether whoever calls a command said something of an option, be it what holds anyway."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"

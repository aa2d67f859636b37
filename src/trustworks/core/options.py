"""The options that commands of all nouns have alike, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
By = Annotated[
    str, typer.Option("--by", help="The role or pseudonym that acts; it goes into the audit log for good.")
]

"""What the commands about applications take: the application, and a JSON file about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

MAX_FILE: Final = 65_536  # octets of a file about an application
Identifier = Annotated[str, typer.Argument(metavar="{application}", help="The application's id.")]
File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="The JSON file; see docs/registration.md.")
]

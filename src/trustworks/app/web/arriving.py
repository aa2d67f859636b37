"""Forms with files that arrive in portions: who sends them is known before their files are read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from trustworks.validation.bounded.asked import Given
    from trustworks.validation.http.form import Form


async def admitted(
    form: Form, portions: AsyncIterator[bytes], field: str, known: Callable[[str], object], *, within: int
) -> AsyncIterator[bytes]:
    """The portions, which end with an error as soon as nobody is known to send them.

    `field` is the one that says who it is, within the first octets; `known` raises for a stranger.
    """
    taken, is_known = 0, False
    async for portion in portions:
        yield portion
        taken += len(portion)
        if not is_known and field in form.fields:
            known(form.fields[field])
            is_known = True
        elif not is_known and taken > within:
            break
    if not is_known:
        raise Malformed(f"The form has to say {field} before the file. Use the page for it.")


def octets(given: Given) -> bytes:
    """All octets of a file that came with a form."""
    if given.descriptor is None:
        return given.octets
    return os.pread(given.descriptor, os.fstat(given.descriptor).st_size, 0)

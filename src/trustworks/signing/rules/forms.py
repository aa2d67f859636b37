"""Everything that is made: which format in which container and packaging, of how many documents, onto what.

Sources: EN 319 132-1, 122-1, 142-1 and 162-1, TS 119 182-1, 4 to 6.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass
from trustworks.signing.model import Container, Format, Onto, Packaging

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.signing.model import Request


@dataclass(frozen=True, slots=True)
class Form:
    """How documents and signature stand together: how many documents, and what can be added to it later.

    `several`: more than one document. `onto`: in which relation to signatures that are there.
    """

    several: bool
    onto: frozenset[Onto]


_ALL: Final = frozenset(Onto)
_BESIDE: Final = frozenset({Onto.NEW, Onto.PARALLEL})
_ONCE: Final = frozenset({Onto.NEW})
_AROUND: Final = frozenset({Onto.NEW, Onto.COUNTER})

FORMS: Final[Mapping[tuple[Format, Container | None, Packaging], Form]] = MappingProxyType(
    {
        # A second signature over files that are elsewhere is a file of its own.
        (Format.XADES, None, Packaging.ENVELOPED): Form(several=False, onto=_ALL),
        (Format.XADES, None, Packaging.ENVELOPING): Form(several=True, onto=_AROUND),
        (Format.XADES, None, Packaging.DETACHED): Form(several=True, onto=_AROUND),
        (Format.XADES, None, Packaging.INTERNALLY_DETACHED): Form(several=False, onto=_ALL),
        (Format.XADES, Container.ASIC_S, Packaging.DETACHED): Form(several=False, onto=_ONCE),
        (Format.XADES, Container.ASIC_E, Packaging.DETACHED): Form(several=True, onto=_BESIDE),
        (Format.CADES, None, Packaging.ENVELOPING): Form(several=False, onto=_ALL),
        (Format.CADES, None, Packaging.DETACHED): Form(several=False, onto=_ALL),
        (Format.CADES, Container.ASIC_S, Packaging.DETACHED): Form(several=False, onto=_ONCE),
        (Format.CADES, Container.ASIC_E, Packaging.DETACHED): Form(several=True, onto=_BESIDE),
        # Each further signature of a PDF is over those before it.
        (Format.PADES, None, Packaging.ENVELOPED): Form(several=False, onto=_BESIDE),
        (Format.JADES, None, Packaging.ENVELOPING): Form(several=False, onto=_ALL),
        (Format.JADES, None, Packaging.DETACHED): Form(several=True, onto=_ALL),
    }
)
"""Everything that is made. What is not here is not made."""


def form_of(request: Request) -> Form | None:
    """The form that is asked for; None where it is not made."""
    return FORMS.get((request.format, request.container, request.packed_as))

"""Which product runs: its version, the build that names its content, the manifest that it agrees with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trustworks
from trustworks.assurance.integrity import standing
from trustworks.assurance.integrity.installation import build_of
from trustworks.assurance.integrity.tree import Place, look
from trustworks.core.errors import TrustworksError
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.assurance.integrity.standing import Standing

SHOWN: Final = 12  # characters of a hash that people are shown; programs get all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductIdentity:
    """What names the product. `manifest` is None where none is named, or where something differs from it."""

    version: str
    build: str
    manifest: str | None = None

    @property
    def line(self) -> str:
        """For people, after the name of the product."""
        signed = (
            "not compared with a manifest" if self.manifest is None else f"manifest {self.manifest[:SHOWN]}"
        )
        return f"{self.version}, build {self.build[:SHOWN]}, {signed}"

    def as_dict(self) -> dict[str, str | None]:
        """As JSON values, for the API and the dossier."""
        return {"version": self.version, "build": self.build, "manifest": self.manifest}


@cache
def own_build() -> str:
    """The build of the package that runs here, from its files: some 50 ms, once in a process."""
    folder = Path(trustworks.__file__).parent
    place = Place(root=folder.name, folder=folder)
    return build_of(
        (f"{folder.name}/{one.path}", one.sha256) for one in look(place) if one.sha256 is not None
    )


@implements(
    "TRUSTWORKS:ASSURANCE-PRODUCT-SHOWN",
    disabled=lambda _found=None: ProductIdentity(version="unknown", build="unknown"),
)
def product_identity(found: Standing | None = None) -> ProductIdentity:
    """What names this product; `found` is how the installation stood when it was last looked at."""
    signed = found is not None and found.ok
    return ProductIdentity(
        version=version("trustworks"),
        build=own_build(),
        manifest=found.manifest if found is not None and signed else None,
    )


def identity_in(run: Path) -> ProductIdentity:
    """What names this product, by what the processes of `run` know of the last look."""
    try:
        return product_identity(standing.read(run))
    except TrustworksError:
        return product_identity()

"""The table ``[module]`` of ``trustworks.toml``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time

from pydantic import Field

from trustworks.core.settings import Table


class ModuleSettings(Table):
    """[module]: the PKCS#11 library that reaches the cryptographic module."""

    library: Path | None = Field(
        default=None,
        description="The PKCS#11 library. None: TRUSTWORKS_PKCS11_LIBRARY, else the known places of SoftHSM2.",
    )
    library_parameters: str | None = Field(
        default=None,
        description="What the library's C_Initialize is told, for libraries that want it (NSS: configdir='sql:DIR').",
    )
    softhsm2_conf: Path | None = Field(
        default=None, description="SoftHSM2's own configuration file, instead of SOFTHSM2_CONF."
    )
    lock_file: Path | None = Field(
        default=None,
        description="The file whose lock serialises start-up. None: SOFTHSM2_CONF's file, else the library's.",
    )
    approval: Path | None = Field(
        default=None,
        description="The approval file that `trustworks module approve` wrote; health compares against it.",
    )
    lab: bool = Field(
        default=False,
        description="Let known and short PINs, RSA-2048 and Ed25519 through. Never where certificates are trusted.",
    )

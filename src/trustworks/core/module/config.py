"""The table ``[module]`` of ``trustworks.toml``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time

from pydantic import Field

from trustworks.core.module.certified import Certification
from trustworks.core.settings import Table


class CertifiedSettings(Table):
    """[[module.certified]]: what the module of a token is certified for, as its certificates say.

    A key moves only to a module that is certified as well as the one that it was made in.
    """

    token: str = Field(description="The token, by its name under [tokens].")
    fips_140_2: int | None = Field(default=None, ge=1, le=4, description="The level of FIPS 140-2.")
    fips_140_3: int | None = Field(default=None, ge=1, le=4, description="The level of FIPS 140-3.")
    cc_eal: str | None = Field(
        default=None,
        pattern=r"^[1-7]\+?$",
        description="The assurance level of the Common Criteria, such as 4+.",
    )
    protection_profiles: tuple[str, ...] = Field(
        default=(), description="The protection profiles that it conforms to, such as EN 419221-5."
    )
    certificates: tuple[str, ...] = Field(default=(), description="The numbers of its certificates.")

    def certification(self) -> Certification:
        """As the module keeps it."""
        return Certification(
            fips_140_2=self.fips_140_2,
            fips_140_3=self.fips_140_3,
            cc_eal=self.cc_eal,
            protection_profiles=self.protection_profiles,
            certificates=self.certificates,
        )


class ModuleSettings(Table):
    """[module]: the PKCS#11 library that reaches the cryptographic module."""

    library: Path | None = Field(
        default=None,
        description="The PKCS#11 library. None: TRUSTWORKS_PKCS11_LIBRARY, else where SoftHSM2 usually is.",
    )
    library_parameters: str | None = Field(
        default=None,
        description="What C_Initialize is told, for libraries that want it (NSS: configdir='sql:DIR').",
    )
    softhsm2_conf: Path | None = Field(
        default=None, description="SoftHSM2's own configuration file, instead of SOFTHSM2_CONF."
    )
    lock_file: Path | None = Field(
        default=None,
        description="The file whose lock serialises starts. None: SOFTHSM2_CONF's file, else the library.",
    )
    approval: Path | None = Field(
        default=None,
        description="The approval file that `trustworks module approve` writes; a module that differs from "
        "it signs nothing. Demanded outside of laboratories.",
    )
    look_every: float = Field(
        default=15.0,
        ge=0.1,
        le=300,
        description="Seconds between two looks of each process at each token that it signs with.",
    )
    working_copies: bool | None = Field(
        default=None,
        description="Sign with a copy of the key in the module's memory: as well protected, gone with the "
        "session. None: with SoftHSM2 alone, which else reads the key's file for every signature.",
    )
    oaep_sha1: bool = Field(
        default=False,
        description=(
            "Let keys travel under RSA-OAEP with SHA-1, where a module offers no SHA-256, as SoftHSM2."
        ),
    )
    weaker_transport: bool = Field(
        default=False,
        description="Let new keys travel under RSA keys that are weaker than they: P-384 under less than "
        "7680 bits, P-521 under less than 15360.",
    )
    certified: tuple[CertifiedSettings, ...] = Field(
        default=(), description="What the modules of tokens are certified for."
    )
    unattended_start: bool = Field(
        default=False,
        description="Accept PIN files on a disk: services then start without anybody. Lower assurance; a "
        "laboratory does it.",
    )
    lab: bool = Field(
        default=False,
        description="Let known and short PINs, RSA-2048 and Ed25519 through. For laboratories alone.",
    )

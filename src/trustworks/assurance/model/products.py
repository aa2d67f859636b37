"""The products that services stand on, and which process of which service uses which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from trustworks.core.test_modules import is_test_module

SOFTWARE: Final = "trustworks"  # the product that this software is


class ProductKind(StrEnum):
    """What a product is to a trust service."""

    MODULE = "module"  # a cryptographic module: it holds keys
    SYSTEM = "system"  # a trustworthy system that uses modules: CA, TSA, server signing
    APPLICATION = "application"  # creates or validates signatures
    DEVICE = "device"  # a signature creation device that is given to signers


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a module said of itself at one moment, read over PKCS#11.

    `library_sha256` is in hexadecimal. `validations` are the identifiers of certificates that the module
    itself claims (CKO_VALIDATION, PKCS#11 v3.2). `unexpected` are sentences on what it says otherwise than
    was expected of it, and nobody planned: by the register, and where that is silent, by what was accepted.
    """

    at: datetime
    manufacturer: str
    model: str
    serial: str
    hardware: str
    firmware: str
    library: str
    library_sha256: str
    is_test_module: bool
    validations: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()


class InstallationState(StrEnum):
    """How what is installed stands against the manifest that was signed of it."""

    INTACT = "intact"
    DIFFERS = "differs"
    NOT_COMPARED = "not-compared"  # a manifest is named, and nothing could be compared with it
    UNSIGNED = "unsigned"  # no manifest is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What a look at the installation of this software found, at one moment.

    `found` says it to people; `manifest` is the SHA-256 of the manifest, in hexadecimal, empty where there is
    none.
    """

    at: datetime
    state: InstallationState
    found: str
    manifest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveModule:
    """A module that services use, as evidence saw it first: one that no product of the register names.

    Or one that `product` names, which need not be bound to what it is used for. `token` is what the
    configuration calls the token, `label` what the token calls itself; `uses` are the services and processes,
    by the names of the rule sets, for which the configuration takes it.
    """

    token: str
    label: str
    seen: Identity
    uses: tuple[tuple[str, str], ...] = ()
    product: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One instance: this device in this room, or this software as it is installed.

    Versions are as their vendor writes them; empty where there is none. `token` is the RFC 7512 URI by which
    the configuration reaches it. `real_hardware` is None while nobody said; it is never believed of a test
    module. `observed` is what it said of itself the last time, `healthy` what the last probe found;
    `installed` is of this software alone: how its installation stood.
    """

    id: str
    kind: ProductKind
    name: str
    variant: str = ""
    manufacturer: str = ""
    model: str = ""
    hardware: str = ""
    firmware: str = ""
    software: str = ""
    serial: str = ""
    owner: str = ""
    place: str = ""
    token: str = ""
    library_sha256: str = ""
    real_hardware: bool | None = None
    certificates: tuple[str, ...] = ()
    observed: Identity | None = None
    healthy: bool | None = None
    installed: Installation | None = None
    taken_into_use: date | None = None
    retired: date | None = None

    @property
    def test_module(self) -> str:
        """Why it is no device but software that plays one, as a clause; empty where nothing says so.

        Names tell it, whatever a person says.
        """
        seen = self.observed
        if seen is not None and seen.is_test_module:
            return f"the module says that it is {seen.manufacturer} {seen.model}, which is software"
        if self.kind is ProductKind.MODULE and is_test_module(self.manufacturer, self.model):
            told = " ".join(one for one in (self.manufacturer, self.model) if one)
            return f"the register says that it is {told}, which is software"
        return "" if self.real_hardware is not False else "the register says that it is software"

    @property
    def is_this_software(self) -> bool:
        """Whether it is this very software, by the id that it enters itself with or by its name."""
        return SOFTWARE in {self.id, self.name.strip().casefold()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One process of one service uses one product.

    `functions` are those that it uses of the product (keygen, sign, backup, restore, export, import, wrap,
    authorise, time, ...): each has to be inside what was evaluated. `algorithms` are the kinds of keys that
    are in use there, such as P-384. `qualified` says whether the service is a qualified one; for others the
    outcome is voluntary. `since` and `until` are its first and its last day.
    """

    product: str
    service: str
    process: str
    functions: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    qualified: bool = True
    since: date | None = None
    until: date | None = None

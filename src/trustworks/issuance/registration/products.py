"""The products of devices: those that the settings name, those that have left them, and what ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.issuance.registration import device_records, rules
from trustworks.issuance.registration.model import DeviceProduct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.issuance.config.registration import RegistrationSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is to be told of products that valid certificates stand on, in sentences.

    `ended`: their certification is over, or was lost, or nothing is known of it; `soon`: it ends.
    """

    ended: tuple[str, ...]
    soon: tuple[str, ...]


def counting(
    settings: RegistrationSettings, base: Path, lost: Mapping[str, date]
) -> dict[str, DeviceProduct]:
    """The products that the provider accepts, as things stand. Files are relative to `base`."""
    return {
        one.product: DeviceProduct(
            name=one.product,
            kind=one.kind,
            certified_until=one.certified_until,
            reference=one.reference,
            ways=frozenset(one.shown_by),
            firmware=frozenset(one.firmware),
            marked=one.marked,
            form_factors=frozenset(one.form_factors),
            tokens=frozenset(one.tokens),
            attestation_roots=None if one.attestation_roots is None else base / one.attestation_roots,
            lost_on=lost.get(one.product),
        )
        for one in settings.devices
    }


def known(connection: Connection, settings: RegistrationSettings) -> tuple[str, ...]:
    """The names of all products: those of the settings first, then those that have left them.

    A product leaves the settings and its certificates stay: they are watched, and it may still be lost.
    """
    named = [one.product for one in settings.devices]
    others = {*device_records.lost(connection), *device_records.recorded(connection)}.difference(named)
    return (*named, *sorted(others))


def watched(connection: Connection, settings: RegistrationSettings, now: datetime) -> Watched:
    """The products whose certification ended, was lost or ends soon while valid certificates stand on it."""
    until = {one.product: one.certified_until for one in settings.devices}
    lost = device_records.lost(connection)
    ended: list[str] = []
    soon: list[str] = []
    for name, number in device_records.standing(connection, now).items():
        end = rules.certification_end(name, until.get(name), lost.get(name), now.date())
        if end is not None:
            told = (
                f"{end.sentence}, and {number} valid certificate(s) stand on it: trustworks registration "
                "device list."
            )
            (ended if end.ended else soon).append(told)
    return Watched(ended=tuple(ended), soon=tuple(soon))

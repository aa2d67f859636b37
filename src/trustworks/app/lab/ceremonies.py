"""A laboratory's authorities, each made by a plan that nobody attends; what came of it lies in a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from trustworks.app.ceremonies import folder
from trustworks.app.certificates import read, spki
from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony.verify import verify

if TYPE_CHECKING:
    from trustworks.app.ceremonies.room import Room
    from trustworks.app.lab.layout import Layout
    from trustworks.core.ceremony.model import Read
    from trustworks.core.module import Key
    from trustworks.issuance.config import AuthoritySettings


def ceremony_of(authority: str) -> str:
    """The name of the ceremony that makes an authority of a laboratory."""
    return f"lab-{authority}"


def make_authority(
    room: Room, authority: str, settings: AuthoritySettings, *, parent: str | None, key: Key | None
) -> None:
    """Carry out what is left of an authority's ceremony. `key`: one that a set-up before has made."""
    found = room.ceremonies.find(ceremony_of(authority))
    plan = found.plan if found is not None else _plan(authority, settings, parent=parent, key=key)
    room.run(plan)


def is_over(room: Room, authority: str) -> bool:
    """Whether nothing is left to do of the ceremony; also where there was none, as in an older laboratory."""
    found = room.ceremonies.find(ceremony_of(authority))
    return found is None or found.seal is not None


def _plan(authority: str, settings: AuthoritySettings, *, parent: str | None, key: Key | None) -> Read:
    place = {"token": authority, "label": settings.key}
    key_step: dict[str, Any] = {"kind": "generate-key", "algorithm": settings.algorithm}
    if key is not None:
        key_step = {"kind": "check-key", "spki-sha256": key.spki_sha256.hex()}
    making: dict[str, Any] = {
        "kind": "make-authority",
        "authority": authority,
        "common-name": settings.name,
        "years": settings.years,
    }
    looking = [name for name in (parent, authority) if name is not None]
    steps = [
        *({"kind": "inspect-module", "phase": "Preparation", "token": name} for name in looking),
        {**key_step, "phase": "Generation", **place},
        {**making, "phase": "Certification", **place, **({} if parent is None else {"parent": parent})},
    ]
    return plans.from_values(
        {
            "version": 1,
            "type": "root" if parent is None else "sub-ca",
            "name": ceremony_of(authority),
            "purpose": f"The {authority} authority of a laboratory: of lower assurance, as nobody attends.",
            "place": "the machine of the laboratory",
            "day": datetime.now(UTC).date().isoformat(),
            "approvals": 0,
            "participants": [],
            "unattended": True,
            "steps": [{"by": [], **step} for step in steps],
        }
    )


def write_folders(room: Room, layout: Layout, authorities: tuple[str, ...]) -> None:
    """Write the folders of the laboratory's own ceremonies that are not there yet."""
    for authority in authorities:
        found = room.ceremonies.find(ceremony_of(authority))
        place = layout.ceremonies / ceremony_of(authority)
        if found is None or found.seal is None or (place / folder.TRANSCRIPT).exists():
            continue
        certificate = layout.certificate("audit")
        signer = sha256(found.seal.spki).hexdigest()
        own = certificate.is_file() and spki(read(certificate).public_key()) == found.seal.spki
        verdict = verify(found, signers={signer} if own else ())
        octets = certificate.read_bytes() if own else None
        folder.write(found, verdict, place, signer=octets, trust=None)

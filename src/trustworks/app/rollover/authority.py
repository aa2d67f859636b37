"""The issuing authority's next generation: prepared by the clock, made by a ceremony, followed by itself.

A key of an authority is made under dual control, so that the jobs make none: when its time has come they
write the plan, and say so until the ceremony was held. (In a laboratory that says so, they carry the plan out
unattended.) Once the authority is on record they give the responder a certificate of it, and decide from when
on it issues: that is recorded, and from that moment on every process goes by it. The old generation goes on
with its lists and its status.

| what is there | the next step |
|---|---|
| the present generation is due, and no next one | a plan for the ceremony sub-ca |
| the next generation, without status services | a certificate for the responder's key, its first list |
| the next generation, with both | a decision: from when on it issues |

Source: EN 319 411-1, GEN-6.5.1-08 and -09.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from trustworks.app import certificates
from trustworks.app.rollover.due import authority_due
from trustworks.app.rollover.generations import BY, NOTHING_DUE, spki_sha256
from trustworks.app.rollover.responder import PROFILE as RESPONDER
from trustworks.app.rollover.responder import certify
from trustworks.core.ceremony import plan as plans
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.keys import records as key_records
from trustworks.core.keys.model import Succession
from trustworks.core.keys.successions import decide
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.orders import ISSUING, USE_OF_ISSUING
from trustworks.issuance.profiles import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from trustworks.app.configuration.settings import RolloverSettings
    from trustworks.core.audit import Recorder
    from trustworks.core.ceremony.model import Read
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import AuthorityRecord
    from trustworks.issuance.service import Issuance

# Certificates of services: theirs are cut to the authority's end, and replaced in time.
OF_SERVICES: Final = ("tsu", "ocsp-signer", "audit-signer", "cmp-server", "list-signer", "seal-")


def longest_days() -> int:
    """Days of the longest certificate that the issuing authority gives to a subject."""
    return max(
        profile.max_days
        for versions in VERSIONS.values()
        for profile in versions
        if profile.authority == ISSUING and not profile.ca and not profile.name.startswith(OF_SERVICES)
    )


@implements("TRUSTWORKS:ROLLOVER-AUTHORITY-MOMENT", disabled=lambda now, _end, _days: now)
def follows_from(now: datetime, end: datetime, prepare_days: int) -> datetime:
    """From when on the next generation issues: after the time to prepare, but in time for the longest life.

    `end` is that of the present generation: what it issues must not outlive it. Never before now.
    """
    latest = end - timedelta(days=longest_days())
    return max(now, min(now + timedelta(days=prepare_days), latest)).replace(microsecond=0)


class AuthorityRollover:
    """One round at a time.

    `signer` opens the responder's key with a label, for its request; `responder` is the file of its
    certificate, None where there is none. `run` carries an unattended plan out; None: people do.
    """

    def __init__(
        self,
        settings: RolloverSettings,
        issuing: IssuanceSettings,
        *,
        folder: Path,
        responder: Path | None,
        signer: Callable[[str], Key],
        issuance: Issuance,
        database: Database,
        recorder: Recorder,
        run: Callable[[Read], object] | None = None,
        begun: Callable[[str], Read | None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._issuing = issuing
        self._folder = folder
        self._responder = responder
        self._signer = signer
        self._issuance = issuance
        self._database = database
        self._recorder = recorder
        self._run = run
        self._begun = begun

    @implements("TRUSTWORKS:ROLLOVER-AUTHORITY", disabled="Nothing is due.")
    def round(self, now: datetime) -> str:
        """Take the next step, and answer a sentence about it. Raises what the steps raise."""
        with self._database.read() as connection:
            later = key_records.successions(connection, USE_OF_ISSUING)
            present = records.authority(connection, later[-1].name if later else ISSUING)
            following = records.authority(connection, name_of(len(later) + 2))
        if present is None:
            return NOTHING_DUE
        if later and now < later[-1].from_at:
            return f"{later[-1].name} issues from {later[-1].from_at:%Y-%m-%d %H:%M} UTC on."
        certificate = x509.load_der_x509_certificate(present.certificate)
        began, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not authority_due(present.name, began, end, self._settings.authority_days).is_due(now):
            return NOTHING_DUE
        if following is None:
            return self._prepare(present, len(later) + 2, now)
        return self._follow(present, following, len(later) + 2, end, now)

    # The ceremony

    def _prepare(self, present: AuthorityRecord, number: int, now: datetime) -> str:
        name = name_of(number)
        if self._run is not None:
            plan = self._begun(ceremony_of(name))
            self._run(unattended_plan(self._issuing, present, number, now) if plan is None else plan)
            return f"The authority {name} was made by a plan that nobody attended."
        file = self._folder / f"{name}.toml"
        if not file.is_file():
            try:
                file.parent.mkdir(mode=0o750, exist_ok=True)
                put(file, plan_text(self._issuing, present, number, now).encode())
            except OSError as error:
                raise Unavailable(
                    "rollover.file",
                    f"The plan {file} cannot be written: {error.strerror}. Let the account of the jobs "
                    "write there.",
                ) from None
        return (
            f"The authority {present.name} is due to be replaced: fill in the plan {file}, have it approved, "
            f"and hold the ceremony (trustworks keys ceremony run); {name} then follows by itself."
        )

    # What follows

    def _follow(
        self, present: AuthorityRecord, following: AuthorityRecord, number: int, end: datetime, now: datetime
    ) -> str:
        name = following.name
        if following.token != present.token or following.parent != present.parent:
            return (
                f"{name} does not follow {present.name} by itself: it is below another authority, or its key "
                "is on another token, which no service opens."
            )
        self._certify_responder(name, now)
        with self._database.read() as connection:
            if records.last_crl(connection, name) is None:
                return f"{name} follows {present.name} once its first list is published."
        decided = decide(
            self._recorder,
            Succession(
                use=USE_OF_ISSUING,
                generation=number,
                name=name,
                spki_sha256=following.spki_sha256.hex(),
                from_at=follows_from(now, end, self._settings.authority_prepare_days),
                decided_at=now,
                decided_by=BY,
            ),
        )
        return f"{name} issues from {decided.from_at:%Y-%m-%d %H:%M} UTC on."

    def _certify_responder(self, authority: str, now: datetime) -> None:
        """Give the responder's present key a certificate of the next generation, where it has none."""
        if self._responder is None:
            return
        current = certificates.read(self._responder)
        digest = spki_sha256(current)
        with self._database.read() as connection:
            if records.newest_of_key(connection, authority, RESPONDER, bytes.fromhex(digest), at=now):
                return
            entry = key_records.key(connection, digest)
        label = self._issuing.ocsp.key if entry is None else entry.label
        certify(self._issuance, self._signer(label), authority, certificates.common_name(current))


def name_of(number: int) -> str:
    """The name of a generation of the issuing authority: issuing, issuing-2, issuing-3."""
    return ISSUING if number == 1 else f"{ISSUING}-{number}"


def ceremony_of(name: str) -> str:
    """The name of the ceremony that makes a generation."""
    return f"rollover-{name}"


def _common_name(issuing: IssuanceSettings, number: int) -> str:
    tail = f" {number}"
    return issuing.issuing.name[: 64 - len(tail)] + tail


def plan_text(issuing: IssuanceSettings, present: AuthorityRecord, number: int, now: datetime) -> str:
    """The plan of a ceremony sub-ca for the next generation: people and places are left to be filled in."""
    template = files("trustworks.core.ceremony").joinpath("templates").joinpath("sub-ca.toml")
    text = template.read_text(encoding="utf-8")
    name, settings = name_of(number), issuing.issuing
    # The responder's certificate comes by the jobs, for the key that it has by then.
    text = text[: text.index("# OCSP answers for the authority")].rstrip() + "\n"
    for old, new in (
        ('name = "issuing-2027"', f'name = "{ceremony_of(name)}"'),
        ("A second issuing authority, for seals.", f"The next generation of {present.name}."),
        ("day = 2027-01-15", f"day = {now:%Y-%m-%d}"),
        ('"Trustworks TEST Issuing CA 2027"', _quoted(_common_name(issuing, number))),
        ("issuing-2027", name),
        ('parent = "root"', f'parent = "{present.parent}"'),
        ('token = "issuing"', f'token = "{present.token}"'),
        ('algorithm = "P-256"', f'algorithm = "{settings.algorithm}"'),
        ("years = 10", f"years = {settings.years}"),
    ):
        text = text.replace(old, new)
    return text


def _quoted(value: str) -> str:
    """A basic string of TOML."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unattended_plan(issuing: IssuanceSettings, present: AuthorityRecord, number: int, now: datetime) -> Read:
    """The plan for a laboratory, which nobody approves or attends."""
    name, settings = name_of(number), issuing.issuing
    place = {"token": present.token, "label": name}
    steps: Iterable[dict[str, Any]] = (
        {"kind": "inspect-module", "phase": "Preparation", "token": present.parent},
        {"kind": "inspect-module", "phase": "Preparation", "token": present.token},
        {"kind": "generate-key", "phase": "Generation", "algorithm": settings.algorithm, **place},
        {
            "kind": "make-authority",
            "phase": "Certification",
            "authority": name,
            "parent": present.parent,
            "common-name": _common_name(issuing, number),
            "years": settings.years,
            **place,
        },
        {"kind": "publish-crl", "phase": "Certification", "authority": name},
    )
    return plans.from_values(
        {
            "version": 1,
            "type": "sub-ca",
            "name": ceremony_of(name),
            "purpose": f"The next generation of {present.name}: of lower assurance, as nobody attends.",
            "place": "the machine of the laboratory",
            "day": now.date().isoformat(),
            "approvals": 0,
            "participants": [],
            "unattended": True,
            "steps": [{"by": [], **step} for step in steps],
        }
    )

"""By which way a certificate may be asked for: that hangs on who its subject is.

An applicant is identified, and an officer decides; names are controlled by whoever shows that; the provider's
own services get theirs from its own hands; a device has somebody who is known to answer for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model.requests import Door
from trustworks.issuance.rules.requests import APPLICATION
from trustworks.issuance.rules.servers import check_server_door, is_for_servers, is_open_in_a_laboratory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.issuance.model import NameAttribute, Profile

APPLICANT: Final = "TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED"
MAILBOX: Final = "TRUSTWORKS:ISSUANCE-MAILBOX-VALIDATED"
VALIDATED: Final = "TRUSTWORKS:ISSUANCE-NAMES-VALIDATED"
PROVIDER: Final = "TRUSTWORKS:ISSUANCE-PROVIDER-ITSELF"

# How the actors begin in whose name somebody else than an officer or a process of the provider asks.
_NAMED: Final = {
    Door.APPLICATION: APPLICATION,
    Door.API: "api:",
    Door.ACME: "acme/",
    Door.CMP: "cmp:",
    Door.EST: "est:",
}


def check_door(profile: Profile, door: Door, *, lab: bool) -> None:
    """Refuse what a door is not for. `lab` says that it is a laboratory, whose certificates say TEST."""
    check_mailboxes_were_validated(profile, door)
    check_was_decided(profile, door, lab=lab)
    check_is_the_providers(profile, door)
    check_was_validated(profile, door, lab=lab)
    check_server_door(profile, door, lab=lab)


def open_doors(profile: Profile, *, lab: bool) -> tuple[Door, ...]:
    """The doors at which certificates of a profile are had."""
    found = []
    for door in Door:
        try:
            check_door(profile, door, lab=lab)
        except Refused:
            continue
        found.append(door)
    return tuple(found)


@implements(MAILBOX)
def check_mailboxes_were_validated(profile: Profile, door: Door) -> None:
    """Refuse certificates with mailboxes that are asked for past the registration desk, which sees control.

    Source: CA/Browser Forum S/MIME Baseline Requirements, 3.2.2.
    """
    if "email" in profile.name_kinds and door is not Door.APPLICATION:
        raise Refused(
            MAILBOX,
            f"Certificates of the profile {profile.name} name mailboxes, and control over each is shown at "
            "the registration desk: register an application, by POST applications or trustworks registration "
            "submit; its officer has a value mailed by trustworks registration mailbox challenge.",
        )


@implements(APPLICANT)
def check_was_decided(profile: Profile, door: Door, *, lab: bool) -> None:
    """Refuse a certificate of an identified applicant that comes from no decided application.

    A laboratory identifies nobody: its officer may, and its API, though no qualified one. Source: EN 319
    411-1, 6.2.2, 6.2.3 and 6.3.1.
    """
    if profile.subject_is != "applicant" or door is Door.APPLICATION:
        return
    if lab and (door is Door.OFFICER or (door is Door.API and profile.qc_type is None)):
        return
    what = "qualified: each is decided on" if profile.qc_type is not None else "for identified applicants"
    raise Refused(
        APPLICANT,
        f"Certificates of the profile {profile.name} are {what}. Register an application for it first, by "
        "POST applications or trustworks registration submit; the certificate is issued when an officer "
        "approves that.",
    )


@implements(VALIDATED)
def check_was_validated(profile: Profile, door: Door, *, lab: bool) -> None:
    """Refuse a certificate that vouches for control of its names where nobody looked who controls them.

    ACME looks, and certifies nothing else; so does the registration desk. Source: EN 319 411-1, 6.2.2 (DVCP);
    CA/Browser Forum Baseline Requirements, 3.2.2.4.
    """
    if profile.subject_is != "names":
        if door is Door.ACME:
            raise Refused(
                VALIDATED,
                f"ACME shows control of names and nothing else, and certificates of the profile "
                f"{profile.name} say more; ask for them by another way.",
            )
        return
    if door in {Door.APPLICATION, Door.ACME} or (lab and door is Door.OFFICER):
        return
    raise Refused(
        VALIDATED,
        f"Certificates of the profile {profile.name} say that control of each name was validated: ask for "
        "them by ACME, which does that, or by an application (trustworks registration submit), for which an "
        "officer has it looked at.",
    )


@implements(PROVIDER)
def check_is_the_providers(profile: Profile, door: Door) -> None:
    """Refuse to certify a service of the provider for a system outside, which may have any key.

    Its HTTPS servers have theirs in files; who asks for those is seen to by `rules.servers`.
    Source: EN 319 411-1, 6.5.1 and 6.5.2; EN 319 421, 7.6.
    """
    if profile.subject_is != "provider" or is_for_servers(profile):
        return
    if door not in {Door.APPLICATION, Door.OFFICER, Door.PROVIDER}:
        raise Refused(
            PROVIDER,
            f"Certificates of the profile {profile.name} are for services of the provider itself, whose keys "
            "are in its modules. Let an officer issue it: trustworks certificate issue.",
        )


@implements("TRUSTWORKS:ISSUANCE-PROVIDER-NAME")
def check_provider_is_named(
    profile: Profile, subject: Sequence[NameAttribute], provider: Mapping[str, str | None], *, lab: bool
) -> None:
    """Refuse a service of the provider under the name of another organisation: nobody looked at that one.

    A laboratory's servers may be anybody's.
    """
    if profile.subject_is != "provider" or (lab and is_open_in_a_laboratory(profile)):
        return
    for name, value in subject:
        if name in profile.from_provider and value != provider.get(name):
            raise Refused(
                "TRUSTWORKS:ISSUANCE-PROVIDER-NAME",
                f"Certificates of the profile {profile.name} name the provider: {name} is "
                f"{provider.get(name)!r} in the configuration, and {value!r} was asked for. Leave it out; a "
                "certificate of another organisation needs an application.",
            )


@implements("TRUSTWORKS:ISSUANCE-DOOR-OF-ACTOR")
def check_door_of_actor(door: Door, by: str) -> None:
    """`Rejected` (issuance.actor) for a name in the log that says of another door than the one it came by.

    By what the log says a certificate was asked for, its holder asks for others (`enrolment.holders`).
    """
    own = _NAMED.get(door)
    if own is not None and not by.startswith(own):
        raise Rejected("issuance.actor", f"{by!r} is no name of who asks by {door.value}: {own}... is.")
    other = next((name for name in _NAMED.values() if name != own and by.startswith(name)), None)
    if other is not None:
        raise Rejected(
            "issuance.actor",
            f"{by!r} is the name of no officer: who begins with {other} came by another way. Take another.",
        )


def lacks_evidence(profile: Profile, door: Door) -> bool:
    """Whether a certificate says more of its subject than anybody looked at: a laboratory's may."""
    return profile.subject_is in {"applicant", "names"} and door in {Door.OFFICER, Door.API}

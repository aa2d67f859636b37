"""What a report of a problem may say, how many are taken, and how an officer reads it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model import RevocationReason

SERIALS: Final = 1 << 160
PROBLEMS: Final = {
    "key-compromise": "others have its private key",
    "wrong-content": "it says something that is not true",
    "misuse": "it is used for fraud, malware or another abuse",
    "not-authorised": "it was issued for somebody who did not agree",
    "other": "something else",
}
MOST_DETAILS: Final = 1500
MOST_CONTACT: Final = 200
MOST_CERTIFICATE: Final = 20_000


# What of them is a reason of a revocation; anything else the officer has to judge.
REASONS: Final = {
    "key-compromise": RevocationReason.keyCompromise,
    "wrong-content": RevocationReason.privilegeWithdrawn,
    "misuse": RevocationReason.privilegeWithdrawn,
    "not-authorised": RevocationReason.privilegeWithdrawn,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemReport:
    """What somebody reports: which problem, with which certificate, what shows it, where he can be asked.

    `certificate` is a serial number or PEM, or empty where it is not known; `contact` may be empty.
    """

    problem: str
    details: str
    certificate: str = ""
    contact: str = ""


@implements("TRUSTWORKS:ISSUANCE-REPORTS-READ")
def check_report(report: ProblemReport) -> None:
    """Refuse what cannot be read, is too long, or must not lie in our records: a private key."""
    if report.problem not in PROBLEMS:
        raise Malformed(f"Choose what the problem is: one of {', '.join(PROBLEMS)}.")
    if len(report.details) < 10 or len(report.details) > MOST_DETAILS:
        raise Malformed(f"Say what is wrong, and what shows it, in 10 to {MOST_DETAILS} characters.")
    if len(report.contact) > MOST_CONTACT or len(report.certificate) > MOST_CERTIFICATE:
        raise Malformed(
            f"The contact has at most {MOST_CONTACT} characters, the certificate {MOST_CERTIFICATE}."
        )
    for text in (report.details, report.contact, report.certificate):
        if not all(one.isprintable() or one in "\r\n\t" for one in text):
            raise Malformed("Write text without control characters.")
    if any("PRIVATE KEY" in text for text in (report.details, report.certificate, report.contact)):
        raise Malformed(
            "Do not send a private key. To show that you have it, make a request with it, and send that: "
            'openssl req -new -key KEY -subj "/CN=The private key of this request is known to others".'
        )


@implements("TRUSTWORKS:ISSUANCE-REPORTS-LIMITED")
def check_not_too_many(recent: int, per_hour: int) -> None:
    """Refuse more reports than officers can read: nobody who floods them is to hide the others."""
    if recent >= per_hour:
        raise Rejected(
            "report.too-many",
            "Too many reports came in within the last hour. Try again later, or reach the provider by the "
            "contact in its practice statement.",
        )


@implements("TRUSTWORKS:ISSUANCE-REPORTS-SHARED")
def check_share(taken: int, per_address: int) -> None:
    """Refuse one who reported much within an hour: nobody who floods the officers is to shut others out."""
    if taken >= per_address:
        raise Rejected(
            "report.too-many",
            f"From your network {taken} reports were taken within the last hour. Try again later, or reach "
            "the provider by the contact in its practice statement.",
        )


def network_of(address: str | None) -> str:
    """Who counts as one: an IPv4 address, an IPv6 network (/64); empty where nobody knows."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        if mapped is None:
            return str(ip_network((found, 64), strict=False))
        found = mapped
    return str(found)


def as_note(report: ProblemReport, certificate: str) -> str:
    """The report as the register of requests keeps it."""
    details = report.details.replace("\r\n", "\n").replace("\r", "\n")
    return (
        f"{_headline(report.problem)}\nCertificate as reported: {certificate}.\n"
        f"Contact: {report.contact or 'none'}.\n{details}"
    )


def reported_reason(note: str | None) -> RevocationReason | None:
    """The reason of a revocation that a report of `as_note` gives; None where it gives none."""
    first = (note or "").partition("\n")[0]
    return next((reason for problem, reason in REASONS.items() if first == _headline(problem)), None)


def _headline(problem: str) -> str:
    return f"Problem: {PROBLEMS[problem]} ({problem})."

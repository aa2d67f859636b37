"""With which key and certificate a unit may issue. Every rule answers what stands against it, as sentences.

Source: EN 319 421, 7.6; EN 319 422, 6; RFC 3161, 2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from trustworks.core.pki.path import is_for_signatures_alone
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

Findings = tuple[str, ...]
ONE_SECOND_US: Final = 1_000_000


@implements("EN319421:7.6.4-CERTIFICATE-LOADED", disabled=())
def key_findings(certificate: x509.Certificate | None, certified_spki: bytes, key_spki: bytes) -> Findings:
    """The certificate is there, and is of the very key that signs."""
    if certificate is None:
        return ("The unit has no certificate yet.",)
    if certified_spki != key_spki:
        return ("The certificate is of another key than the unit's; give the one that was issued for it.",)
    return ()


@implements("EN319422:6-CERTIFICATE", "EN319421:TIS-7.7.1-08", disabled=())
def purpose_findings(certificate: x509.Certificate) -> Findings:
    """The key is for time-stamping alone: a critical extended key usage, a key usage for signing only."""
    found = []
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        found.append("The certificate has no extended key usage; it must be timeStamping.")
    else:
        if list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
            found.append("The certificate's extended key usage must be timeStamping and nothing else.")
        if not usage.critical:
            found.append("The certificate's extended key usage must be critical.")
    found.extend(_key_usage_findings(certificate))
    if _is_authority(certificate):
        found.append("The certificate is a certification authority's (CA:TRUE); issue it by the profile tsu.")
    return tuple(found)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _key_usage_findings(certificate: x509.Certificate) -> Findings:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    if not is_for_signatures_alone(usage):
        return ("The certificate's key usage must be digitalSignature or nonRepudiation, and nothing else.",)
    return ()


@implements("EN319421:TIS-7.6.5-01", "EN319421:TIS-7.6.7-03A", disabled=())
def algorithm_findings(not_after: datetime, key_ends: datetime, agreed_until: date | None) -> Findings:
    """Certificate and private key end before their algorithm stops to be agreed; None: no such day is set."""
    if agreed_until is None:
        return ()
    found = []
    if not_after.date() > agreed_until:
        found.append(f"The certificate outlives its algorithm, which is agreed until {agreed_until} only.")
    if key_ends.date() > agreed_until:
        found.append(f"The private key's use ends after its algorithm, agreed until {agreed_until} only.")
    return tuple(found)


@implements("EN319421:7.6.7-KEY-EXPIRY", disabled=())
def expiry_findings(ends: datetime | None, not_after: datetime) -> Findings:
    """The end of the private key's use is said, and comes no later than the certificate's end."""
    if ends is None:
        return (
            (
                "The end of the private key's use is not said; issue the certificate with a private key "
                "usage period, or set key-expires of the unit."
            ),
        )
    if ends > not_after:
        return ("The private key's use must end no later than the certificate does.",)
    return ()


@implements("EN319421:TIS-8.1-01", disabled=())
def policy_findings(policies: Sequence[str], ncp_plus: Sequence[str], *, qualified: bool) -> Findings:
    """The certificate of a qualified unit was issued under NCP+."""
    if qualified and not set(policies) & set(ncp_plus):
        return (
            (
                "A qualified unit's certificate must have a policy that meets NCP+ "
                f"({', '.join(ncp_plus)}; [timestamping] ncp-plus-policies)."
            ),
        )
    return ()


@implements("EN319421:TIS-8.2-01", "EN319422:9.1-QUALIFIED", disabled=())
def qualification_findings(*, qualified: bool, clock_mode: str, lab: bool) -> Findings:
    """A qualified unit cannot issue in a lab or with an unchecked clock, as all its tokens are qualified."""
    if qualified and lab:
        return ("A laboratory issues no qualified time-stamps; set qualified = false for the unit.",)
    if qualified and clock_mode != "enforce":
        return ('A qualified unit needs a checked clock; set [time] mode = "enforce".',)
    return ()


@implements("EN319421:3.1-ONE-KEY", disabled=())
def uniqueness_findings(spki: bytes, others: Sequence[tuple[str, bytes]]) -> Findings:
    """No other unit signs with the same key; `others` are names and keys."""
    shared = [name for name, other in others if other == spki]
    return tuple(f"The unit {name} signs with the same key; every unit has its own." for name in shared)


@implements("TRUSTWORKS:TSA-LAB-POLICY", disabled=lambda own, general, *_: own or general)
def policies_of(
    own: tuple[str, ...], general: tuple[str, ...], lab_policy: str, clock_mode: str
) -> tuple[str, ...]:
    """The policies that a unit issues under: the laboratory's alone while nobody checks the clock."""
    return (lab_policy,) if clock_mode != "enforce" else own or general


@implements("EN319422:5.2.2-GENTIME", disabled=())
def resolution_findings(accuracy_us: int, resolution_us: int, *, checked: bool) -> Findings:
    """GenTime is as fine as the declared accuracy asks for; `checked` says that somebody checks the clock.

    A whole second that genTime cuts off leaves nothing of the second that is the most an accuracy may be:
    nothing for the bound of a checked clock.
    """
    if resolution_us > accuracy_us or (checked and resolution_us >= ONE_SECOND_US):
        return ("genTime is coarser than the declared accuracy; raise [timestamping] gen-time-digits.",)
    return ()


@implements("TRUSTWORKS:TSA-SIGNING-LIMIT", disabled=())
def limit_findings(accuracy_us: int, limit_us: int) -> Findings:
    """A signature may not take longer than the accuracy that the token states."""
    if limit_us > accuracy_us:
        return (
            (
                f"A signature may take {limit_us} us, and the declared accuracy is {accuracy_us} us; lower "
                "[timestamping] signing-limit-ms."
            ),
        )
    return ()


@implements("EN319421:TIS-7.7.1-06", disabled=())
def signing_findings(accuracy_us: int, expected_us: float) -> Findings:
    """The declared accuracy leaves time for a signature; else no token would ever leave."""
    if accuracy_us < expected_us:
        return (
            (
                f"The declared accuracy of {accuracy_us} us leaves no time for a signature, which takes some "
                f"{expected_us:.0f} us; declare more than that ([timestamping] accuracy-us)."
            ),
        )
    return ()


@implements("TRUSTWORKS:TSA-CHAIN", disabled=())
def chain_findings(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> Findings:
    """The CA certificates that are sent along lead on from the unit's own, and none is there twice."""
    found = []
    before = [certificate]
    for one in chain:
        name = one.subject.rfc4514_string()
        if one in before:
            found.append(f"The certificate of {name} is in the chain a second time; leave it out.")
        elif not any(_issued(one, below) for below in before):
            found.append(
                f"The certificate of {name} in the chain issued none before it; begin the chain with the one "
                "that issued the unit's certificate."
            )
        before.append(one)
    return tuple(found)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


@implements("EN319422:5.2.2-POLICY", disabled=())
def declared_policy_findings(unit: str, policies: Sequence[str], lab_policy: str) -> Findings:
    """A unit with a checked clock has a policy of its own, and not the laboratory's."""
    if not policies:
        return (f"The unit {unit} has no policy; name one in [timestamping] policies.",)
    if lab_policy in policies:
        return (f"The unit {unit} has the laboratory's policy {lab_policy}; its clock is a checked one.",)
    return ()

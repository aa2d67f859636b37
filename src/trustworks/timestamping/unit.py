"""A time-stamping unit, loaded: its key, its certificate, and everything about them that was checked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.x509 import read_certificate
from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.module import SignatureScheme, agreed_until
from trustworks.core.module.agreed import check_signature
from trustworks.core.pki.certificates import load_pem, unreadable
from trustworks.core.store.types import microseconds
from trustworks.core.trace import implements
from trustworks.timestamping import readback, wire
from trustworks.timestamping.model import Content, Identity, Shape, Signer, Terms
from trustworks.timestamping.rules import tokens
from trustworks.timestamping.rules import units as rules
from trustworks.timestamping.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from trustworks.core.module import Key
    from trustworks.timestamping.config import TimestampingSettings, UnitSettings

# A key that turned slow is used by threads for so many times as long, and for no longer than that.
PAUSE_TIMES: Final = 20
LONGEST_PAUSE_NS: Final = 10_000_000_000
# Before the first signature: RSA computes for milliseconds, curves for a tenth of one.
EXPECTED_US: Final = {"rsa": 2000.0, "ec": 100.0, "ed25519": 100.0}

_SECOND: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit that may issue from `begins` until before `ends` (microseconds since 1970).

    `proven` are, for the lengths of answers that were read back as a whole, what surrounds in them the
    parts that differ; see `begun.check_own`.
    """

    name: str
    key: Key
    scheme: SignatureScheme
    certificate: x509.Certificate
    identity: Identity
    terms: Terms
    template: Template
    shape: Shape
    proven: dict[tuple[int, int, bool], tuple[bytes, bytes, bytes]]
    qualified: bool
    begins: int
    ends: int
    key_ends: datetime
    pace: Pace

    def sign_all(self, attributes: list[bytes]) -> list[bytes]:
        """The signatures; fewer, when those after the first would begin too late for who waits for them.

        Raises what `Key.sign_all` does.
        """
        began, number = time.perf_counter_ns(), 1
        try:
            found = self.key.sign_all(attributes, self.scheme, until=began + self.pace.patience_ns)
            number = len(found)
        finally:
            self.pace.took(began, time.perf_counter_ns(), number)
        return found

    def status(self) -> dict[str, object]:
        """What the status page tells of it, as JSON values."""
        return {
            "qualified": self.qualified,
            "policies": list(self.terms.policies),
            "algorithm": self.key.algorithm.value,
            "scheme": self.scheme.name,
            "subject": self.certificate.subject.rfc4514_string(),
            "certificate_ends": f"{self.certificate.not_valid_after_utc:{_SECOND}}",
            "key_ends": f"{self.key_ends:{_SECOND}}",
            "signature_wait_us": round(self.pace.microseconds, 1),
        }


class Pace:
    """How long a signature takes, its verification with it, learnt from the signatures themselves.

    The key signs nothing but tokens, so there is no signature to try it with: before the first, the key's
    algorithm says what to expect. Whether the time goes by in this processor or in a module over a network is
    the same to who waits. Threads may lose a measurement to one another; that does no harm.

    A batch that took too long for those who wait, or a second slow one in a row, makes the key slow: the next
    would keep the event loop from everybody. One alone that is slow by little is the machine's, which had
    something else to do. After a pause the first quick signature makes the key quick again; by the pause, a
    key that is slow now and then has the loop for a twentieth of the time.
    """

    def __init__(self, limit_us: float, expected_us: float, patience_ns: int) -> None:
        """A key is slow when a signature takes longer than `limit_us`; no batch may take `patience_ns`."""
        self.limit_us = limit_us
        self.microseconds = expected_us
        self.patience_ns = patience_ns
        self._was_slow = False
        self._pause_ends = 0

    @property
    def is_slow(self) -> bool:
        """Whether a signature takes so long that it is waited for in a thread."""
        return self.microseconds > self.limit_us

    def took(self, began_ns: int, ended_ns: int, number: int = 1) -> None:
        """Take note of when a batch of signatures, failed ones too, began and ended (`perf_counter_ns`)."""
        batch = ended_ns - began_ns
        took = batch / 1000 / number
        if took > self.limit_us:
            if self.is_slow:
                self.microseconds = took
            elif self._was_slow or batch > self.patience_ns:
                self.microseconds = took
                self._pause_ends = ended_ns + min(PAUSE_TIMES * batch, LONGEST_PAUSE_NS)
            self._was_slow = True
        elif not self.is_slow:
            self.microseconds += (took - self.microseconds) / 8
            self._was_slow = False
        elif ended_ns >= self._pause_ends:
            self.microseconds = took
            self._was_slow = False


def load(
    unit: UnitSettings,
    settings: TimestampingSettings,
    key: Key,
    *,
    clock_mode: str,
    lab: bool,
    today: date,
    others: Sequence[tuple[str, bytes]],
) -> Unit:
    """Load a unit's certificate and check it with its key.

    `today` is by trusted time. `others` are the names and public keys of the units before it. Raises
    `Refused` with the first requirement that is not met, `Unavailable` (timestamping.certificate) when a file
    cannot be read.
    """
    certificate, chain = read_files(unit)
    spki = b"" if certificate is None else _spki(certificate)
    _require("EN319421:7.6.4-CERTIFICATE-LOADED", rules.key_findings(certificate, spki, key.spki), unit)
    assert certificate is not None  # noqa: S101 - as the rule above found
    _require("EN319421:3.1-ONE-KEY", rules.uniqueness_findings(key.spki, others), unit)
    _require(
        "EN319421:TIS-8.2-01",
        rules.qualification_findings(qualified=unit.qualified, clock_mode=clock_mode, lab=lab),
        unit,
    )
    _require("EN319422:6-CERTIFICATE", rules.purpose_findings(certificate), unit)
    _require(
        "EN319421:TIS-8.1-01",
        rules.policy_findings(_policies(certificate), settings.ncp_plus_policies, qualified=unit.qualified),
        unit,
    )
    key_begins, key_ends = key_usage_period(certificate, unit.key_expires)
    not_after = certificate.not_valid_after_utc
    _require("EN319421:7.6.7-KEY-EXPIRY", rules.expiry_findings(key_ends, not_after), unit)
    assert key_ends is not None  # noqa: S101 - as the rule above found
    scheme = check_suite(unit, key, today, lab=lab)
    if not lab:
        _require(
            "EN319421:TIS-7.6.5-01",
            rules.algorithm_findings(not_after, key_ends, agreed_until(key.algorithm, scheme)),
            unit,
        )
    _require("TRUSTWORKS:TSA-CHAIN", rules.chain_findings(certificate, chain), unit)
    expected_us = EXPECTED_US[key.algorithm.family]
    _require(
        "EN319421:TIS-7.7.1-06",
        rules.signing_findings(settings.accuracy_us, expected_us),
        unit,
    )
    signer = _signer(certificate, chain, scheme)
    policies = rules.policies_of(unit.policies, settings.policies, settings.lab_policy, clock_mode)
    template = Template(signer, accuracy_us=settings.accuracy_us, qualified=unit.qualified)
    identity = Identity(signer.certificate, signer.issuer, signer.serial, _key_id(certificate))
    begins = max(certificate.not_valid_before_utc, key_begins or certificate.not_valid_before_utc)
    return Unit(
        name=unit.name,
        key=key,
        scheme=scheme,
        certificate=certificate,
        identity=identity,
        terms=Terms(policies=policies, imprints=frozenset(settings.imprints)),
        template=template,
        shape=_shape(template, identity, unit),
        proven={},
        qualified=unit.qualified,
        begins=microseconds(begins),
        ends=microseconds(min(key_ends, not_after)),
        key_ends=key_ends,
        pace=Pace(settings.inline_below_us, expected_us, settings.patience_ns),
    )


@implements(
    "EN319422:5.2.3-SIGNATURE-SUITE",
    "EN319421:TIS-7.6.2-05A",
    disabled=lambda unit, key, *_, **__: SignatureScheme[unit.signature] if unit.signature else key.scheme,
)
def check_suite(unit: UnitSettings, key: Key, today: date, *, lab: bool) -> SignatureScheme:
    """The scheme that the unit signs by; `Refused` (ECCG-ACM:SIGNATURES) where it is not agreed today."""
    scheme = key.scheme if unit.signature is None else SignatureScheme[unit.signature]
    if scheme.family != key.algorithm.family:
        raise Refused(
            "EN319422:5.2.3-SIGNATURE-SUITE",
            f"The unit {unit.name} cannot sign by {scheme.name} with a {key.algorithm.value} key; "
            "leave its signature setting out, or choose one that fits the key.",
        )
    check_signature(key.algorithm, scheme, today, lab=lab)
    return scheme


def _require(requirement: str, findings: tuple[str, ...], unit: UnitSettings) -> None:
    if findings:
        raise Refused(requirement, f"The time-stamping unit {unit.name} does not issue: {' '.join(findings)}")


def read_files(unit: UnitSettings) -> tuple[x509.Certificate | None, tuple[x509.Certificate, ...]]:
    """The unit's certificate, None while there is no such file, and the CA certificates to send along.

    Those are behind the unit's own certificate in its file, so that both are replaced at once; where none is,
    in the file that `chain` names. Raises `Unavailable` (timestamping.certificate) for a file that cannot be
    read, or a chain's that is not there.
    """
    certificates = read_certificates(unit.certificate)
    if unit.chain is None or len(certificates) > 1:
        return (certificates[0] if certificates else None), certificates[1:]
    chain = read_certificates(unit.chain)
    if not chain:
        raise Unavailable(
            "timestamping.certificate",
            f"The unit {unit.name} names {unit.chain} as its chain, and there is no such file; put the CA "
            "certificates there, or leave `chain` out.",
        )
    return (certificates[0] if certificates else None), chain


def read_certificates(file: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file; none when there is no such file yet.

    Raises `Unavailable` (timestamping.certificate) when it cannot be read, or holds something else.
    """
    try:
        found = load_pem(file.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, Malformed) as error:
        raise _no_certificates(file, error) from error
    wrong = next(filter(None, map(unreadable, found)), None)
    if wrong is not None:
        raise _no_certificates(file, wrong) from wrong
    return found


def _no_certificates(file: Path, why: Exception) -> Unavailable:
    return Unavailable(
        "timestamping.certificate",
        f"{file} cannot be read as certificates in PEM ({why}); put the issued certificates there.",
    )


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(certificate: x509.Certificate) -> bytes | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    return found.value.digest


def _policies(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies)
    except x509.ExtensionNotFound:
        return ()
    return tuple(one.policy_identifier.dotted_string for one in found.value)


def key_usage_period(
    certificate: x509.Certificate, configured: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """When the private key's use begins and ends, by the certificate's extension and the unit's setting."""
    begins = ends = None
    try:
        period = certificate.extensions.get_extension_for_class(x509.PrivateKeyUsagePeriod).value
    except x509.ExtensionNotFound:
        pass
    else:
        begins, ends = _utc(period.not_before), _utc(period.not_after)
    if configured is not None:
        configured = configured.astimezone(UTC)
        ends = configured if ends is None else min(ends, configured)
    return begins, ends


def _utc(moment: datetime | None) -> datetime | None:
    """`cryptography` gives the extension's times without a zone; they are UTC."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def _signer(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], scheme: SignatureScheme
) -> Signer:
    der = certificate.public_bytes(Encoding.DER)
    return Signer(
        certificate=der,
        issuer=asn1.encode_der(
            read_certificate(der).tbs_certificate.issuer
        ),  # to the octet, as it was signed
        serial=certificate.serial_number,
        chain=tuple(one.public_bytes(Encoding.DER) for one in chain),
        scheme=scheme.name,
    )


def _shape(template: Template, identity: Identity, unit: UnitSettings) -> Shape:
    """What the unit's tokens have in common, cut from an unsigned sample that kept all rules."""
    content = Content(
        policy="2.999",
        hash_algorithm=hash_identifier("sha256"),
        digest=bytes(32),
        serial=1,
        gen_time=datetime(1970, 1, 1, tzinfo=UTC),
        accuracy_us=1,
        nonce=None,
        qualified=False,
    )
    tst_info = template.tst_info(content)
    der = template.token(tst_info, template.attributes(tst_info), b"", certificates=True)
    broken = tokens.structure_objection(wire.read_token(der), identity)
    if broken is not None:
        raise Refused(broken[0], f"The time-stamping unit {unit.name} does not issue: {broken[1]}")
    own = readback.read_own(der)
    if own.certificates is None or identity.certificate not in own.certificates:
        raise Refused(
            "RFC3161:2.4.1-CERT-REQ", f"The tokens of the unit {unit.name} do not carry its certificate."
        )
    place = own.attributes.index(template.digest(tst_info).digest())
    return Shape(
        fixed=own.fixed,
        before=own.attributes[:place],
        after=own.attributes[place + template.digest(b"").digest_size :],
        certificates=own.certificates,
    )

"""Certomancer's PKI as the outside world, and its path validation (pyhanko-certvalidator) as judge of ours.

Judged: paths with our certificates, lists (whole, of parts, with delta lists) and OCSP answers, with
revocation required of every certificate. Read by us: time-stamps, OCSP answers and certificates of a PKI that
Certomancer runs. No network: all is handed over.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import tsp as asn1_tsp
from asn1crypto import x509 as asn1_x509
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig, ServiceLabel
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathValidationError, RevokedError
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy
from pyhanko_certvalidator.policy_decl import RevocationCheckingRule as Rule
from status_provider import SHA1, SUBJECT_KEY, Provider, TestClock, certify, usage

from trustworks.core.audit import Recorder
from trustworks.core.der.ocsp import BasicResponse
from trustworks.core.der.ocsp_reading import decode_response
from trustworks.core.errors import Refused, Rejected
from trustworks.core.pki.certificates import load
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.model import RevocationReason
from trustworks.timestamping import client, wire
from trustworks.timestamping.verify import digests_of, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certomancer import PKIArchitecture

    from trustworks.core.module import Module
    from trustworks.core.store import Database

pytestmark = pytest.mark.interop
ONE_DATABASE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
LATER = timedelta(seconds=1)


# Our certificates, lists and answers before its judge


@pytest.fixture
def provider(module: Module, database: Database) -> Iterator[Provider]:
    with Recorder.open(database, "status") as recorder:
        yield Provider(
            module=module,
            database=database,
            recorder=recorder,
            clock=TestClock(),
            settings=IssuanceSettings.model_validate({}),
        ).set_up()


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def judged(provider: Provider, leaf: x509.Certificate, *, crls: Any = (), ocsps: Any = ()) -> list[str]:
    """The common names from the root to the leaf; raises what the judge raises."""
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(der(provider.certificates["root"]))],
        other_certs=[asn1_x509.Certificate.load(der(provider.certificates["issuing"]))],
        moment=provider.clock.utc,
        crls=list(crls),
        ocsps=list(ocsps),
        revinfo_policy=CertRevTrustPolicy(
            RevocationCheckingPolicy(
                ee_certificate_rule=Rule.OCSP_REQUIRED if ocsps else Rule.CRL_REQUIRED,
                intermediate_ca_cert_rule=Rule.CRL_REQUIRED,
            )
        ),
    )
    judge: Any = CertificateValidator(asn1_x509.Certificate.load(der(leaf)), validation_context=context)
    path = asyncio.run(judge.async_validate_usage({"digital_signature"}))
    return [path.first.subject.native["common_name"], *(one.subject.native["common_name"] for one in path)][
        1:
    ]


def leaf_with_responder(provider: Provider) -> x509.Certificate:
    """A certificate that names its responder: the judge asks for no answer where none is named."""
    place = x509.UniformResourceIdentifier("http://lab.example/ocsp")
    access = x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, place)
    issuer, key = provider.certificates["issuing"], provider.keys["issuing"]
    extensions = (usage("digital_signature"), (x509.AuthorityInformationAccess([access]), False))
    return certify("TEST Subject", SUBJECT_KEY, issuer, key, *extensions, since=provider.began)


def answer(provider: Provider, certificate: x509.Certificate, issuer: str = "issuing") -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, provider.certificates[issuer], SHA1)
    return provider.responder().answer(builder.build().public_bytes(Encoding.DER)).der


@ONE_DATABASE
def test_paths_hold_by_lists_until_they_say_otherwise(provider: Provider) -> None:
    good, revoked, held = (provider.issue() for _ in range(3))
    provider.revoke(revoked)
    provider.revoke(held, RevocationReason.certificateHold)
    crls = [provider.publisher().publish(name, actor="test").der for name in ("root", "issuing")]
    provider.clock.utc += LATER
    assert judged(provider, good, crls=crls)[-1] == "TEST Subject"
    for one in (revoked, held):
        with pytest.raises(RevokedError):
            judged(provider, one, crls=crls)
    with pytest.raises(PathValidationError):  # the judge is awake: one list is missing
        judged(provider, good, crls=crls[1:])
    provider.clock.utc += timedelta(days=60)
    with pytest.raises(PathValidationError):  # the lists are over
        judged(provider, good, crls=crls)


@ONE_DATABASE
def test_the_list_of_a_revoked_authority_ends_the_path(provider: Provider) -> None:
    good = provider.issue()
    provider.revoke(provider.certificates["issuing"], RevocationReason.cACompromise)
    crls = [provider.publisher().publish(name, actor="test").der for name in ("root", "issuing")]
    provider.clock.utc += LATER
    with pytest.raises(RevokedError):
        judged(provider, good, crls=crls)


@ONE_DATABASE
def test_paths_hold_by_answers_until_they_say_otherwise(provider: Provider) -> None:
    good, revoked, never = (leaf_with_responder(provider) for _ in range(3))
    for one in (good, revoked):
        provider.add(one, "issuing")
    provider.revoke(revoked)
    root = provider.publisher().publish("root", actor="test").der
    provider.clock.utc += LATER
    assert judged(provider, good, crls=[root], ocsps=[answer(provider, good)])[-1] == "TEST Subject"
    for one in (revoked, never):  # the extended definition of revoked (RFC 6960, 2.2)
        with pytest.raises(RevokedError):
            judged(provider, one, crls=[root], ocsps=[answer(provider, one)])
    with pytest.raises(PathValidationError):  # another certificate's answer
        judged(provider, revoked, crls=[root], ocsps=[answer(provider, good)])


@ONE_DATABASE
@pytest.mark.parametrize("delta", [False, True])
def test_paths_hold_by_the_list_of_their_part_alone_and_its_delta(provider: Provider, *, delta: bool) -> None:
    issuing = provider.settings.issuing.model_copy(update={"crl_shards": 2, "crl_delta": delta})
    provider.settings = provider.settings.model_copy(update={"issuing": issuing})
    publisher = provider.publisher("issuing")
    root = provider.publisher().publish("root", actor="test").der
    before = publisher.publish_due()
    leaves = {}
    for one in before:
        if one.shard is not None:
            place = x509.DistributionPoint([address_of(one.der)], None, None, None)
            leaf = provider.named(x509.CRLDistributionPoints([place]), serial=1 << 158 | one.shard + 1)
            provider.add(leaf, "issuing", shard=one.shard)
            leaves[one.shard] = leaf
    revoked, good = leaves.values()
    provider.revoke(revoked)
    provider.clock.utc += LATER
    changed = publisher.publish_due()
    oids = {one.oid for list_ in changed for one in x509.load_der_x509_crl(list_.der).extensions}
    assert (x509.DeltaCRLIndicator.oid in oids) is delta
    provider.clock.utc += LATER
    parts = [one for one in (*before, *changed) if one.shard is not None]  # without the list of all
    crls = [root, *(one.der for one in parts)]
    with pytest.raises(RevokedError):
        judged(provider, revoked, crls=crls)
    assert judged(provider, good, crls=crls)[-1] == "TEST Subject"
    (own,) = (shard for shard, leaf in leaves.items() if leaf is good)
    others = [one.der for one in parts if one.shard != own]
    with pytest.raises(PathValidationError):  # the list of another part says nothing
        judged(provider, good, crls=[root, *others])


def address_of(crl: bytes) -> x509.GeneralName:
    """What a list says of where it is."""
    extensions = x509.load_der_x509_crl(crl).extensions
    names = extensions.get_extension_for_class(x509.IssuingDistributionPoint).value.full_name
    assert names is not None
    return names[0]


# Its PKI before our readers

NOW = datetime.now(UTC).replace(microsecond=0)
PKI = """
external-url-prefix: "http://pki.example"
keysets:
  keys:
    path-prefix: {folder}
    keys:
      root: {{path: root.pem}}
      tsa: {{path: tsa.pem}}
      ocsp: {{path: ocsp.pem}}
      seal: {{path: seal.pem}}
pki-architectures:
  foreign:
    keyset: keys
    entity-defaults: {{country-name: XX, organization-name: TEST Foreign}}
    entities:
      root: {{common-name: TEST Root}}
      tsa: {{common-name: TEST TSU}}
      ocsp: {{common-name: TEST OCSP}}
      seal: {{common-name: TEST Seal}}
    certs:
      root:
        subject: root
        issuer: root
        validity: {{valid-from: "2000-01-01T00:00:00+0000", valid-to: "2049-01-01T00:00:00+0000"}}
        extensions:
          - {{id: basic_constraints, critical: true, value: {{ca: true}}}}
          - id: key_usage
            critical: true
            smart-value: {{schema: key-usage, params: [key_cert_sign, crl_sign]}}
      tsa:
        subject: tsa
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2040-01-01T00:00:00+0000"}}
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature]}}}}
          - {{id: extended_key_usage, critical: true, value: [time_stamping]}}
      ocsp:
        subject: ocsp
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2040-01-01T00:00:00+0000"}}
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature]}}}}
          - {{id: extended_key_usage, value: [ocsp_signing]}}
      seal:
        subject: seal
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2040-01-01T00:00:00+0000"}}
        revocation: {{revoked-since: "2024-01-01T00:00:00+0000", reason: key_compromise}}
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature]}}}}
    services:
      ocsp: {{ocsp: {{for-issuer: root, responder-cert: ocsp, signing-key: ocsp}}}}
      crl-repo: {{root: {{for-issuer: root, signing-key: root, simulated-update-schedule: P90D}}}}
      time-stamping: {{tsa: {{signing-key: tsa, signing-cert: tsa}}}}
"""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> PKIArchitecture:
    folder: Path = tmp_path_factory.mktemp("foreign")
    for name in ("root", "tsa", "ocsp", "seal"):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
    made = CertomancerConfig.from_yaml(PKI.format(folder=folder), key_search_dir="/")
    return made.get_pki_arch(ArchLabel("foreign"))


def certificate(foreign: PKIArchitecture, name: str) -> x509.Certificate:
    return load(foreign.get_cert(CertLabel(name)).dump())


def test_its_time_stamps_are_verified_and_found_to_be_of_today_s_rules_or_not(
    foreign: PKIArchitecture,
) -> None:
    data = b"what was sealed"
    request = wire.encode_request(hashlib.sha256(data).digest(), "sha256", nonce=77)
    stamper = foreign.service_registry.summon_timestamper(ServiceLabel("tsa"))
    response = stamper.request_tsa_response(asn1_tsp.TimeStampReq.load(request)).dump()
    token = client.granted_token(response)
    client.check_answer(token, request)
    verified = verify(token, digests_of(data), anchors=[certificate(foreign, "root")])
    assert verified.path[0] == certificate(foreign, "tsa")
    with pytest.raises((Refused, Rejected)):
        verify(token, digests_of(b"something else"), anchors=[certificate(foreign, "root")])
    with pytest.raises(Rejected):
        verify(token, digests_of(data), anchors=[certificate(foreign, "seal")])


def test_its_answers_about_status_are_read(foreign: PKIArchitecture) -> None:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate(foreign, "seal"), certificate(foreign, "root"), hashes.SHA256()
    )
    request = builder.build().public_bytes(Encoding.DER)
    responder = foreign.service_registry.summon_responder(ServiceLabel("ocsp"), NOW)
    found = decode_response(responder.build_ocsp_response(asn1_ocsp.OCSPRequest.load(request)).dump())
    assert isinstance(found, BasicResponse)
    (single,) = found.data.responses
    assert (single.status, single.revoked_at, single.reason) == (
        "revoked",
        datetime(2024, 1, 1, tzinfo=UTC),
        1,
    )

"""What certificates of real signatures are qualified for by the published lists, held against pyHanko."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from pyhanko.sign.validation.qualified.assess import QualificationAssessor
from pyhanko.sign.validation.qualified.eutl_parse import (
    ojeu_bootstrap_lotl_tlso_certs,
    trust_list_to_registry_unsafe,
)
from pyhanko.sign.validation.qualified.tsp import TSPRegistry
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.path import ValidationPath

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import CertificatePool
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
from trustworks.core.pki.trusted_lists.fetch import Folder
from trustworks.core.pki.trusted_lists.refresh import refresh
from trustworks.core.pki.trusted_lists.store import TrustStore
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.validation.determining import determined
from trustworks.validation.qualification.certificates import REGULATION
from trustworks.validation.qualification.model import Device, Indication, Status
from trustworks.validation.qualification.names import country_code

pytestmark = pytest.mark.interop

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
LOTL = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
PUBLICATION = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=uriserv:OJ.C_.2019.276.01.0001.01.ENG"
DAY = datetime(2023, 11, 1, tzinfo=UTC)
TYPES = {"QC_ESIGN": Indication.FOR_ESIG, "QC_ESEAL": Indication.FOR_ESEAL, "QC_WEB": Indication.QWAC}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    if not CORPUS.is_dir():
        pytest.skip(f"NOT TESTED, because {CORPUS} is not there: published lists and signed files")
    found = ojeu_bootstrap_lotl_tlso_certs()
    journal = OfficialJournal(
        publication=PUBLICATION, location=LOTL, certificates=tuple(one.dump() for one in found)
    )
    directory = tmp_path_factory.mktemp("trust")
    refresh(directory, journal, Folder(CORPUS / "trusted-lists", most=1 << 25), DAY)
    return TrustStore.load(directory, DAY, overdue_lists=True)


def certificates() -> list[Certificate]:
    """Every certificate in signatures in CMS and in containers with such."""
    found: dict[bytes, Certificate] = {}
    for file in sorted((CORPUS / "dss").glob("dss-*ades/**/*")):
        if not file.is_file() or file.suffix == ".pdf" or file.stat().st_size > 1 << 20:
            continue
        try:
            evidence = read(Octets(file.read_bytes(), file.name))
        except Malformed:
            continue
        for token in evidence.certificates.values():
            try:
                one = Certificate.read(token.der)
            except Malformed:
                continue
            found[one.sha256] = one
    return list(found.values())


def test_what_published_lists_say_is_what_pyhanko_says(store: TrustStore) -> None:
    every = certificates()
    pool = CertificatePool(every)
    # pyHanko has neither the Directive's regime nor the past of services.
    asked = [one for one in every if one.not_before >= REGULATION and one.not_after > DAY]
    registry = TSPRegistry()
    for country in sorted({country_code(one.issuer.values("2.5.4.6")) for one in asked} - {""}):
        xml = store.published([country])[1].get(country)
        if xml is not None:
            list(trust_list_to_registry_unsafe(xml.decode(), registry)[1])
    assessor = QualificationAssessor(registry)
    compared, differing = 0, list[tuple[str, object]]()
    for one in asked:
        found = determined(one, pool=pool, lists=store, at=DAY)
        services = found.asked.certificate.services
        # What contradicts itself pyHanko does not look for.
        if len(found.path) != 1 or not services or found.asked.certificate.status is Status.FAILED:
            continue
        anchor = services[0].service.current.identity.certificates[0].der
        path = ValidationPath(
            trust_anchor=CertTrustAnchor(asn1_x509.Certificate.load(anchor)),
            interm=[],
            leaf=asn1_x509.Certificate.load(one.der),
        )
        status = assessor.check_entity_cert_qualified(path, DAY).status
        compared += 1
        expected = {TYPES[status.qc_type.name]} if status.qualified else set()
        device = (found.asked.device.result is Device.YES) if status.qualified else None
        if set(found.asked.certificate.qualified_for) != expected or (
            status.qualified and device != status.qc_key_security.is_qscd
        ):
            differing.append((one.sha256.hex(), status))
    assert compared > 1
    assert differing == []

"""What certificates of real signatures are qualified for by the published lists, held against pyHanko."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from asn1crypto import x509 as asn1_x509
from lxml import etree
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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.validation.determining import Determination

pytestmark = pytest.mark.interop

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
LOTL = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
PUBLICATION = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=uriserv:OJ.C_.2019.276.01.0001.01.ENG"
TSL: Final = "{http://uri.etsi.org/02231/v2#}"
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


@cache
def certificates() -> tuple[Certificate, ...]:
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
    return tuple(found.values())


def registry(xmls: Iterable[str]) -> TSPRegistry:
    found = TSPRegistry()
    for xml in xmls:
        list(trust_list_to_registry_unsafe(xml, found)[1])
    return found


def disagreement(one: Certificate, found: Determination, at: datetime, by: TSPRegistry) -> object:
    """What pyHanko says where that is something else, of a certificate right below a service; else None."""
    anchor = found.asked.certificate.services[0].service.current.identity.certificates[0].der
    path = ValidationPath(
        trust_anchor=CertTrustAnchor(asn1_x509.Certificate.load(anchor)),
        interm=[],
        leaf=asn1_x509.Certificate.load(one.der),
    )
    status = QualificationAssessor(by).check_entity_cert_qualified(path, at).status
    expected = {TYPES[status.qc_type.name]} if status.qualified else set()
    device = (found.asked.device.result is Device.YES) if status.qualified else None
    same = set(found.asked.certificate.qualified_for) == expected and (
        not status.qualified or device == status.qc_key_security.is_qscd
    )
    return None if same else status


def comparable(found: Determination) -> bool:
    """What contradicts itself pyHanko does not look for."""
    asked = found.asked.certificate
    return len(found.path) == 1 and bool(asked.services) and asked.status is not Status.FAILED


def test_what_published_lists_say_is_what_pyhanko_says(store: TrustStore) -> None:
    every = certificates()
    pool = CertificatePool(every)
    # pyHanko has neither the Directive's regime nor the past of services, which is below.
    asked = [one for one in every if one.not_before >= REGULATION and one.not_after > DAY]
    by = registry(xml.decode() for xml in published(store, asked).values())
    compared, differing = 0, list[tuple[str, object]]()
    for one in asked:
        found = determined(one, pool=pool, lists=store, at=DAY)
        if comparable(found):
            compared += 1
            status = disagreement(one, found, DAY, by)
            if status is not None:
                differing.append((one.sha256.hex(), status))
    assert compared > 1
    assert differing == []


def published(store: TrustStore, asked: Iterable[Certificate]) -> dict[str, bytes]:
    """The lists of the countries of issuers."""
    countries = sorted({country_code(one.issuer.values("2.5.4.6")) for one in asked} - {""})
    found = {country: store.published([country])[1].get(country) for country in countries}
    return {country: xml for country, xml in found.items() if xml is not None}


def as_it_stood(xml: bytes, at: datetime) -> str:
    """A list with the state that each service had at a time in the place of its present one."""
    root = etree.fromstring(xml)
    for service in root.iter(f"{TSL}TSPService"):
        current = service.find(f"{TSL}ServiceInformation")
        states = [one for one in (current, *service.iter(f"{TSL}ServiceHistoryInstance")) if one is not None]
        then = [one for one in states if datetime.fromisoformat(since(one)) <= at]
        if current is None or not then or then[0] is current:
            continue
        state = max(then, key=since)
        for name in ("ServiceStatus", "StatusStartingTime", "ServiceInformationExtensions"):
            for old in current.findall(f"{TSL}{name}"):
                current.remove(old)
        for name in ("ServiceStatus", "StatusStartingTime", "ServiceInformationExtensions"):
            current.extend(state.findall(f"{TSL}{name}"))
    return etree.tostring(root, encoding="unicode")


def since(state: etree._Element) -> str:
    return state.findtext(f"{TSL}StatusStartingTime", "")


def test_when_certificates_were_issued_the_state_of_then_counts(store: TrustStore) -> None:
    """The state of a service at the time that is asked about is what counts (TS 119 615, PRO-4.3.4-03).

    pyHanko knows the present state alone: of a service that was withdrawn since it says that its certificates
    never were qualified. Given the list as it stood, it says what we do.
    """
    every = certificates()
    pool = CertificatePool(every)
    asked = [one for one in every if REGULATION <= one.not_before <= DAY]
    by_now = registry(xml.decode() for xml in published(store, asked).values())
    compared, differing, of_the_past = 0, list[tuple[str, object]](), 0
    for one in asked:
        at = one.not_before + timedelta(days=1)
        found = determined(one, pool=pool, lists=store, at=at)
        if not comparable(found):
            continue
        compared += 1
        if disagreement(one, found, at, by_now) is None:
            continue
        (listed,) = found.asked.certificate.services
        assert listed.service.current.since > at  # nothing else makes the difference
        of_the_past += 1
        by = registry(as_it_stood(xml, at) for xml in published(store, [one]).values())
        status = disagreement(one, found, at, by)
        if status is not None:
            differing.append((one.sha256.hex(), status))
    assert differing == []
    assert compared > 3
    assert of_the_past > 0

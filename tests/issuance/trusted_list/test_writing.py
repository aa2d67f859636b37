"""What is written is read again as it was meant, whatever a list may tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from report_schema import faults_of_list
from trusted_list_bench import party
from trusted_list_house import NOW, making, operator

from trustworks.core.errors import Rejected
from trustworks.core.pki.trusted_lists.identities import listed_certificate
from trustworks.core.pki.trusted_lists.model import (
    AdditionalServiceInformation,
    CriteriaList,
    DigitalIdentity,
    ExpiredCertificatesRevocation,
    ExtendedKeyUsage,
    KeyUsage,
    PolicySet,
    Provider,
    QualificationElement,
    Qualifications,
    Service,
    ServiceState,
    SubjectAttributes,
    SupplyPoint,
    Text,
    UnknownCriterion,
    UnknownExtension,
)
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.uris import CA_QC, GRANTED, QC_FOR_ESIG, WITHDRAWN
from trustworks.issuance.trusted_list.contents import (
    address,
    list_scheme,
    lists_scheme,
    past,
)
from trustworks.issuance.trusted_list.writing import written

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.model import Extension, Scheme


def a_provider(*extensions: Extension) -> Provider:
    identity = DigitalIdentity(
        certificates=(listed_certificate(party("TEST", "XX").der),),
        subject_names=("CN=TEST & <more>",),
        key_identifiers=(b"\x01\x02",),
    )
    state = ServiceState(
        type=CA_QC,
        names=(Text("en", "TEST <CA>"), Text("de", "TEST CÄ")),
        identity=identity,
        status=WITHDRAWN,
        since=NOW,
        extensions=extensions,
        scheme_definition_uris=(Text("en", "http://tsp.example.com/tl/"),),
        supply_points=(
            SupplyPoint(uri="http://a.example/", kind=CA_QC),
            SupplyPoint(uri="http://b.example/"),
        ),
        provider_definition_uris=(Text("en", "http://tsp.example.com/"),),
    )
    before = replace(past(state), status=GRANTED, since=NOW - timedelta(days=1))
    return Provider(
        names=(Text("en", "TEST Provider"),),
        trade_names=(Text("en", "NTRXX-TEST"),),
        address=address(operator()),
        information_uris=(Text("en", "http://tsp.example.com/"),),
        extensions=(),
        services=(Service(current=state, history=(before,)),),
    )


EXTENSIONS: tuple[Extension, ...] = (
    AdditionalServiceInformation(critical=True, uri=QC_FOR_ESIG, information="TEST"),
    AdditionalServiceInformation(critical=False, uri=QC_FOR_ESIG),
    ExpiredCertificatesRevocation(critical=False, since=NOW),
    Qualifications(
        critical=True,
        elements=(
            QualificationElement(
                (QC_FOR_ESIG,),
                CriteriaList(
                    "atLeastOne",
                    (
                        KeyUsage((("nonRepudiation", True), ("keyCertSign", False))),
                        PolicySet(("1.2.3", "1.2.4")),
                        CriteriaList("none", (PolicySet(("1.2.5",)),)),
                        ExtendedKeyUsage(("1.3.6.1.5.5.7.3.4",)),
                        SubjectAttributes(("2.5.4.3", "2.5.4.5")),
                    ),
                    "a description",
                ),
            ),
        ),
    ),
)


@pytest.mark.parametrize("scheme", [list_scheme(operator(), making()), lists_scheme(operator(), making())])
def test_a_scheme_is_read_as_it_was_written(scheme: Scheme) -> None:
    found = read_trusted_list(written(scheme, ()))
    assert (found.scheme, found.providers, found.findings) == (scheme, (), ())


def test_every_part_of_a_service_is_read_as_it_was_written() -> None:
    octets = written(list_scheme(operator(), making()), (a_provider(*EXTENSIONS),))
    found = read_trusted_list(octets)
    assert found.providers == (a_provider(*EXTENSIONS),)
    assert found.findings == ()
    assert faults_of_list(octets) == []


def test_a_postal_code_is_written_where_there_is_one() -> None:
    scheme = list_scheme(operator(**{"postal-code": "TEST 1"}), making())
    assert read_trusted_list(written(scheme, ())).scheme.address.postal[0].postal_code == "TEST 1"


@pytest.mark.parametrize(
    "extension",
    [
        UnknownExtension(critical=True, name="{urn:example}Other"),
        Qualifications(
            critical=True,
            elements=(QualificationElement((QC_FOR_ESIG,), CriteriaList("all", (UnknownCriterion("x"),))),),
        ),
    ],
)
def test_what_is_not_known_is_not_written(extension: Extension) -> None:
    with pytest.raises(Rejected) as rejected:
        written(list_scheme(operator(), making()), (a_provider(extension),))
    assert rejected.value.code == "trusted-list.extension"


def test_a_text_that_xml_cannot_hold_is_rejected() -> None:
    scheme = replace(list_scheme(operator(), making()), legal_notices=(Text("en", "TEST \x00"),))
    with pytest.raises(Rejected, match="Leave them out") as rejected:
        written(scheme, ())
    assert rejected.value.code == "trusted-list.text"

"""Reading trusted lists: what stands in them, and what is no list."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trusted_list_bench import (
    PUBLICATION,
    base64_of,
    list_xml,
    party,
    pointer,
    provider,
    service,
    sign,
    state,
)

from trustworks.core.errors import Malformed
from trustworks.core.pki.trusted_lists import model
from trustworks.core.pki.trusted_lists.markup import Limits
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.uris import (
    CA_QC,
    FOR_SEALS,
    GRANTED,
    QC_WITH_QSCD,
    WITHDRAWN,
    XML_LIST,
)

QUALIFICATIONS = f"""<tsl:Extension Critical="true"><sie:Qualifications><sie:QualificationElement>\
<sie:Qualifiers><sie:Qualifier uri="{QC_WITH_QSCD}"/></sie:Qualifiers><sie:CriteriaList assert="atLeastOne">\
<sie:KeyUsage><sie:KeyUsageBit name="nonRepudiation">true</sie:KeyUsageBit>\
<sie:KeyUsageBit name="crlSign">0</sie:KeyUsageBit></sie:KeyUsage>\
<sie:PolicySet><sie:PolicyIdentifier><xades:Identifier Qualifier="OIDAsURN">urn:oid:1.2.3</xades:Identifier>\
</sie:PolicyIdentifier></sie:PolicySet>\
<sie:CriteriaList assert="none"><sie:Description>why</sie:Description><sie:otherCriteriaList>\
<tslx:ExtendedKeyUsage><tslx:KeyPurposeId><xades:Identifier>1.3.6.1.5.5.7.3.4</xades:Identifier>\
</tslx:KeyPurposeId></tslx:ExtendedKeyUsage><tslx:CertSubjectDNAttribute><tslx:AttributeOID>\
<xades:Identifier>2.5.4.5</xades:Identifier></tslx:AttributeOID></tslx:CertSubjectDNAttribute>\
<tslx:Unheard/></sie:otherCriteriaList></sie:CriteriaList>\
</sie:CriteriaList></sie:QualificationElement></sie:Qualifications></tsl:Extension>"""
OTHERS = f"""<tsl:Extension Critical="0"><tsl:AdditionalServiceInformation><tsl:URI xml:lang="en">{FOR_SEALS}\
</tsl:URI><tsl:InformationValue>x</tsl:InformationValue></tsl:AdditionalServiceInformation></tsl:Extension>\
<tsl:Extension Critical="false"><tslx:TakenOverBy><tslx:URI xml:lang="en">https://x.example</tslx:URI>\
<tslx:TSPName><tsl:Name xml:lang="en">Other</tsl:Name></tslx:TSPName><tsl:SchemeOperatorName>\
<tsl:Name xml:lang="en">Op</tsl:Name></tsl:SchemeOperatorName><tsl:SchemeTerritory>EL</tsl:SchemeTerritory>\
</tslx:TakenOverBy></tsl:Extension><tsl:Extension Critical="false"><tsl:ExpiredCertsRevocationInfo>\
2015-01-01T00:00:00+02:00</tsl:ExpiredCertsRevocationInfo></tsl:Extension>\
<tsl:Extension Critical="true"><tsl:Unheard/></tsl:Extension>"""


def a_list() -> str:
    """A list with one of everything."""
    own = party("Provider")
    more = (
        "<tsl:DigitalId><tsl:X509SubjectName>CN=Provider</tsl:X509SubjectName></tsl:DigitalId>"
        f"<tsl:DigitalId><tsl:X509SKI>{base64_of(b'identifier')}</tsl:X509SKI></tsl:DigitalId>"
    )
    return list_xml(
        uris=[PUBLICATION],
        pointers=[pointer("EU", "https://lists.example/lotl.xml", party("Commission"))],
        providers=[
            provider(
                "Provider",
                service(
                    state(own.der, extensions=QUALIFICATIONS + OTHERS, more=more, name="Now"),
                    state(more=more, status=WITHDRAWN, since=datetime(2015, 1, 1, tzinfo=UTC), name="Then"),
                ),
            )
        ],
    )


def test_a_list_is_read_with_all_that_stands_in_it() -> None:
    read = read_trusted_list(a_list().encode())
    assert (read.scheme.territory, read.scheme.version, read.scheme.sequence_number) == ("EL", 6, 5)
    assert read.scheme.next_update == datetime(2026, 7, 1, tzinfo=UTC)
    assert read.scheme.information_uris == (model.Text("en", PUBLICATION),)
    (to_eu,) = read.scheme.pointers
    assert (to_eu.territory, to_eu.mime_type) == ("EU", XML_LIST)
    assert [one.der for one in to_eu.certificates] == [party("Commission").der]
    (only,) = read.providers
    assert [one.value for one in (*only.names, *only.trade_names)] == ["Provider", "VATEL-1"]
    (listed,) = only.services
    assert (listed.current.type, listed.current.status) == (CA_QC, GRANTED)
    identity = listed.current.identity
    assert identity.certificates[0].subject == party("Provider").certificate.subject.public_bytes()
    assert identity.subject_names == ("CN=Provider",)
    assert identity.key_identifiers == (b"identifier",)
    (past,) = listed.history
    assert (past.status, past.since, past.identity.certificates) == (
        WITHDRAWN,
        datetime(2015, 1, 1, tzinfo=UTC),
        (),
    )


def test_extensions_are_read_with_nested_criteria() -> None:
    (only,) = read_trusted_list(a_list().encode()).providers
    qualifications, information, taken, expired, unheard = only.services[0].current.extensions
    nested = model.CriteriaList(
        "none",
        (
            model.ExtendedKeyUsage(("1.3.6.1.5.5.7.3.4",)),
            model.SubjectAttributes(("2.5.4.5",)),
            model.UnknownCriterion("{http://uri.etsi.org/02231/v2/additionaltypes#}Unheard"),
        ),
        "why",
    )
    usage = model.KeyUsage((("nonRepudiation", True), ("crlSign", False)))
    criteria = model.CriteriaList("atLeastOne", (usage, model.PolicySet(("1.2.3",)), nested))
    assert qualifications == model.Qualifications(
        critical=True, elements=(model.QualificationElement((QC_WITH_QSCD,), criteria),)
    )
    assert information == model.AdditionalServiceInformation(critical=False, uri=FOR_SEALS, information="x")
    assert isinstance(taken, model.TakenOverBy)
    assert (taken.uri.value, taken.names[0].value, taken.territory) == ("https://x.example", "Other", "EL")
    assert expired == model.ExpiredCertificatesRevocation(
        critical=False, since=datetime(2014, 12, 31, 22, tzinfo=UTC)
    )
    assert unheard == model.UnknownExtension(critical=True, name="{http://uri.etsi.org/02231/v2#}Unheard")
    findings = {one.code for one in read_trusted_list(a_list().encode()).findings}
    assert findings == {"criterion-unknown", "extension-critical-unknown"}


def test_version_5_is_read_and_a_closed_list_has_no_next_update() -> None:
    read = read_trusted_list(list_xml(version=5, next_update=None).encode())
    assert (read.scheme.version, read.scheme.next_update, read.findings) == (5, None, ())


def test_a_comment_in_a_text_does_not_end_it() -> None:
    text = a_list().replace(GRANTED, GRANTED[:-4] + "<!-- -->" + GRANTED[-4:])
    assert read_trusted_list(text.encode()).providers[0].services[0].current.status == GRANTED


def test_what_is_no_certificate_is_kept_and_found() -> None:
    read = read_trusted_list(list_xml(providers=[provider("P", service(state(b"\x30\x03abc")))]).encode())
    (found,) = read.providers[0].services[0].current.identity.certificates
    assert (found.der, found.subject, found.key) == (b"\x30\x03abc", b"", b"")
    assert [one.code for one in read.findings] == ["identity-no-certificate"]


def test_a_service_that_says_too_little_is_left_out_and_found() -> None:
    text = list_xml(providers=[provider("P", service(state(status="")), service(state()))])
    read = read_trusted_list(text.encode())
    assert len(read.providers[0].services) == 1
    assert [one.code for one in read.findings] == ["state-incomplete"]


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", "not well-formed"),
        ("<a/>", "root element is a"),
        (list_xml(version="many"), "does not say its version"),
        (list_xml(version="9" * 5000), "does not say its version"),
        (list_xml().replace("2026-07-01T00:00:00Z", "soon"), "next update"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + list_xml(), "document type"),
        (list_xml(pointers=["<tsl:OtherTSLPointer/>" * 4]), "more than 3 pointers"),
        (list_xml(providers=[provider("P", *[service(state())] * 4)]), "more than 3 services"),
        (list_xml(providers=[provider("P", service(*[state()] * 5))]), "more than 4 states"),
        (
            list_xml(
                providers=[
                    provider(
                        "P",
                        service(
                            state(
                                extensions="<tsl:Extension><sie:Qualifications><sie:QualificationElement>"
                                "<sie:Qualifiers/>"
                                + "<sie:CriteriaList assert='all'>" * 9
                                + "</sie:CriteriaList>" * 9
                                + "</sie:QualificationElement></sie:Qualifications></tsl:Extension>"
                            )
                        ),
                    )
                ]
            ),
            "nested more than 8",
        ),
    ],
)
def test_what_is_no_list_or_too_large_is_refused_with_a_sentence(xml: str, says: str) -> None:
    limits = Limits(pointers=3, services=3, states=4, nested_criteria=8)
    with pytest.raises(Malformed, match=says):
        read_trusted_list(xml.encode(), limits)


def test_entities_and_deep_nesting_are_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><a>&b;</a>'
    for text in (bomb, "<a>" * 100_000, "<a>" * 300 + "</a>" * 300):
        with pytest.raises(Malformed):
            read_trusted_list(text.encode())


SIGNED = sign(a_list(), party("Operator"))


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SIGNED) - 1),
            st.integers(0, 40),
            st.binary(max_size=12) | st.just(b"<!-- x -->"),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_octets_are_a_list_or_refused(changes: list[tuple[int, int, bytes]]) -> None:
    octets = SIGNED
    for place, gone, put in changes:
        octets = octets[:place] + put + octets[place + gone :]
    try:
        outcome = str(read_trusted_list(octets).scheme.sequence_number)
    except Malformed as error:
        outcome = str(error)
    assert outcome.isdigit() or outcome.endswith(".")

"""Documents in the forms in which certificates are published, made up: vendors and persons do not exist."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.sources import Download

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

RETRIEVED: Final = datetime(2026, 4, 15, 9, 30, tzinfo=UTC)
PERSON: Final = ("Petra Probe", "petra.probe@example.test", "+49 30 1234567", "Prüfweg 7", "Kontakt-Stelle")

PROJECT: Final = "/projects/cryptographic-module-validation-program"

LIST_COLUMNS: Final = (
    *("Certificate Number", "Vendor Name", "Module Name", "Module Type", "Validation Date", "Status"),
)
CC_COLUMNS: Final = (
    *("Category", "Name", "Manufacturer", "Scheme", "Assurance Level", "Protection Profile(s)"),
    *("Certification Date", "Archived Date", "Certification Report URL", "Security Target URL"),
    *("Maintenance Date", "Maintenance Title", "Maintenance Report", "Maintenance ST"),
)


def downloaded(name: str = "download", retrieved: datetime = RETRIEVED) -> Download:
    return Download(name=name, retrieved=retrieved)


def cmvp_list(
    rows: Iterable[Sequence[str]], columns: Sequence[str] = LIST_COLUMNS, total: int | None = None
) -> bytes:
    """A page of results; each row has the cells of the columns, dates apart at " "."""
    made = list(rows)
    head = "".join(f'\n<th class="text-center">{one}</th>' for one in columns)
    body = ""
    for number, row in enumerate(made):
        cells = "".join(
            f'\n<td><a href="{PROJECT}/certificate/{cell}">{cell}</a></td>'
            if column == "Certificate Number"
            else f"\n<td>{'<br />'.join(cell.split(' '))}<br /></td>"
            if column == "Validation Date"
            else f"\n<td>{cell}</td>"
            for column, cell in zip(columns, row, strict=False)
        )
        cells += "".join(f"\n<td>{cell}</td>" for cell in row[len(columns) :])
        body += f'\n<tr id="cert-row-{number}">{cells}\n</tr>'
    shown = len(made) if total is None else total
    return f"""<!DOCTYPE html>
<html lang="en-us"><head><meta charset="utf-8" /><title>Search | Modules</title>
<script>document.write("<table><tr><th>Certificate Number</th></tr></table>");</script></head>
<body><table class="layout"><tr><td>A table of something else</td></tr></table>
<div class="table-responsive" id="divResults" data-total-records="{shown}">
<table id="searchResultsTable"><thead><tr>{head}
</tr></thead><tbody>{body}
</tbody></table></div></body></html>""".encode()


MODULE: Final[dict[str, str]] = {
    "Module Name": "Beispiel&reg; K9 Cryptographic Module",
    "Standard": "FIPS 140-3",
    "Status": "Active",
    "Sunset Date": "4/1/2029",
    "Overall Level": "3",
    "Caveat": ("<span>When operated in approved mode.\n   When initialized per Section 11.</span>"),
    "Security Level Exceptions": (
        '<ul class="list-left15pxPadding"><li>Operational environment: N/A</li>'
        "<li>Physical security: Level 4</li></ul>"
    ),
    "Module Type": "Hardware",
    "Embodiment": "Multi-Chip Embedded",
    "Description": "Holds keys.",
    "Hardware Versions": "808-0001 (revisions A, B), 808-0002",
    "Firmware Versions": "7.7.1; 7.8.0",
    "Software Versions": "N/A",
}


def cmvp_page(
    number: str = "9001", details: Mapping[str, str] = MODULE, vendor: str | None = None, tail: str = ""
) -> bytes:
    rows = "".join(
        f'\n<div class="row padrow"><div class="col-md-3"><span>{label}</span></div>'
        f'\n<div class="col-md-9">{value}</div></div>'
        for label, value in details.items()
    )
    name, mail, phone, street, contact = PERSON
    who = vendor or (
        '<a href="https://vendor.example">Beispiel Module AG</a><br />'
        f'<span class="indent">{street}</span><br /><div><span>{name}, {contact}<br />'
        f'<span class="indent"><a href="mailto:{mail}">{mail}</a></span><br />'
        f'<span class="indent">Phone: {phone}</span></span></div>'
    )
    return f"""<!DOCTYPE html>
<html><head><title>Cryptographic Module Validation Program</title></head><body>
<h3>Certificate #{number}</h3>
<div class="panel panel-default"><div class="panel-heading"><h4 class="panel-title">Details</h4></div>
<div class="panel-body">{rows}</div></div>
<div class="panel panel-default"><div class="panel-heading"><h4 class="panel-title">Vendor</h4></div>
<div class="panel-body">{who}</div></div>
<div class="panel panel-default"><div class="panel-heading"><h4 class="panel-title">Related Files</h4></div>
<div class="panel-body"><a href="/CSRC/media/projects/cryptographic-module-validation-program/documents/\
security-policies/140sp{number}.pdf">Security Policy</a></div></div>
<div class="panel panel-default"><div class="panel-heading"><h4>Validation History</h4></div>
<div class="panel-body"><table><thead><tr><th>Date</th><th>Type</th><th>Lab</th></tr></thead><tbody>
<tr><td>7/7/2025</td><td>Update</td><td>A Laboratory</td></tr>
<tr><td>4/2/2024</td><td>Initial</td><td>A Laboratory</td></tr></tbody></table></div></div>
{tail}</body></html>""".encode()


def cmvp_record(**changes: Any) -> dict[str, Any]:
    """The record of the same certificate as `cmvp_page`, as others make it of the page."""
    name, mail, phone, street, _ = PERSON
    record = {
        "certificate_number": "9001",
        "dataset": "active",
        "nist_page_url": f"https://csrc.nist.gov{PROJECT}/certificate/9001",
        "security_policy_url": (
            "https://csrc.nist.gov/CSRC/media/projects/cryptographic-module-validation-program/documents/"
            "security-policies/140sp9001.pdf"
        ),
        "vendor_name": "Beispiel Module AG",
        "module_name": "Beispiel® K9 Cryptographic Module",
        "standard": "FIPS 140-3",
        "status": "Active",
        "module_type": "Hardware",
        "embodiment": "Multi-Chip Embedded",
        "overall_level": 3,
        "validation_date": "4/2/2024, 7/7/2025",
        "validation_dates": ["4/2/2024", "7/7/2025"],
        "sunset_date": "4/1/2029",
        "caveat": "When operated in approved mode. When initialized per Section 11.",
        "security_level_exceptions": ["Operational Environment: N/A", "Physical Security: Level 4"],
        "hardware_versions": "808-0001 (revisions A, B), 808-0002",
        "firmware_versions": "7.7.1; 7.8.0",
        "software_versions": "N/A",
        "validation_history": [
            {"date": "4/2/2024", "type": "Initial", "lab": "A Laboratory"},
            {"date": "7/7/2025", "type": "Update", "lab": "A Laboratory"},
        ],
        "vendor": {
            "name": "Beispiel Module AG",
            "address_lines": [street],
            "contact_name": name,
            "contact_email": mail,
            "contact_phone": phone,
        },
    }
    return {name: value for name, value in (record | changes).items() if value is not ...}


def cc_row(**changes: str) -> dict[str, str]:
    """A row of the portal, by columns; a key's underscores are spaces."""
    row = {
        "Category": "Products for Digital Signatures",
        "Name": "Beispiel HSM w&#x2f; Firmware 3.1",
        "Manufacturer": "Beispiel Module AG",
        "Scheme": "DE",
        "Assurance Level": "EAL4+,ALC_FLR.2,AVA_VAN.5",
        "Protection Profile(s)": "EN 419221-5:2018",
        "Certification Date": "02/28/2025",
        "Archived Date": "02/28/2030",
        "Certification Report URL": "https://www.commoncriteriaportal.org/files/epfiles/Report 1.pdf",
        "Security Target URL": "https://www.commoncriteriaportal.org/files/epfiles/Target 1.pdf",
        "Maintenance Date": "",
        "Maintenance Title": "",
        "Maintenance Report": "",
        "Maintenance ST": "",
    }
    return row | {name.replace("_", " "): value for name, value in changes.items()}


def table(
    rows: Iterable[Mapping[str, str]], columns: Sequence[str] = CC_COLUMNS, separator: str = ","
) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue().encode()


def eucc_record(**changes: Any) -> dict[str, Any]:
    name, mail, phone, street, contact = PERSON
    record = {
        "certificate_id": "CERTIFICATE EUCC-9999-2026-03-0007",
        "product_name": "Beispiel HSM 3",
        "product_type": "HSM",
        "product_version": "3.1.0",
        "holder_name": "Beispiel Module AG",
        "holder_address": street,
        "holder_contact": f"{name} {mail} {phone}",
        "holder_website": "https://vendor.example",
        "certification_body": "Beispiel-Stelle",
        "certification_body_contact": contact,
        "nando_id": "9999",
        "assurance_level": "High",
        "cc_version": "CC:2022",
        "ava_van_level": "5",
        "package": "EAL4 augmented with ALC_FLR.3 and AVA_VAN.5",
        "protection_profile": "EN 419221-5:2018",
        "issuance_year": "2026",
        "issuance_month": "3",
        "issuance_date_full": "'05/03/2026'",
        "validity_period_years": "5 years",
    }
    return {name: value for name, value in (record | changes).items() if value is not ...}


EUCC_LABELS: Final = {
    "certificate_id": "Certificate ID",
    "product_name": "Name of Product",
    "product_type": "Type of Product",
    "product_version": "Version of Product",
    "holder_name": "Name of the Holder",
    "holder_address": "Address of the Holder;",
    "holder_contact": "Contact Information of the Holder",
    "certification_body": "Name of the certification body that issued the certificate",
    "assurance_level": "Assurance level",
    "cc_version": "CC Version",
    "ava_van_level": "AVA_VAN Level",
    "package": "Package",
    "protection_profile": "Protection Profile",
    "issuance_year": "Year of issuance",
    "issuance_month": "Month of Issuance",
    "issuance_date_full": "Certificate issue date",
    "validity_period_years": "period of validity of the certificate",
}


def eucc_page(record: Mapping[str, str], more: Mapping[str, str] | None = None) -> bytes:
    labels = {EUCC_LABELS[name]: value for name, value in record.items() if name in EUCC_LABELS}
    labels.update(more or {})
    rows = "".join(f"\n<tr><td>{label}</td><td>{value}</td></tr>" for label, value in labels.items())
    return f"""<!DOCTYPE html><html><body><main><div class="ecl"><div class="ecl-table-responsive">
<table class="ecl-table"><tbody>{rows}</tbody></table></div>
<p>Security Target</p><div class="ecl-file"><a class="ecl-file__download" \
href="/document/download/1_en?filename=target.pdf">Download</a></div>
<p>Certification Report</p><div class="ecl-file"><a class="ecl-file__download" \
href="/document/download/2_en?filename=report.pdf">Download</a></div></div></main></body></html>""".encode()


QSCD_COLUMNS: Final = (
    *("Member State", "Product name", "Software component", "Hardware component", "Version", "Applicant"),
    *("Type of device", "Category", "Certificate of conformity", "Designated body", "Contact details"),
    *("Start date of certification", "Certification status", "Expiry date of certification"),
)


def qscd_row(**changes: str) -> dict[str, str]:
    name, mail, phone, *_ = PERSON
    row = {
        "Member State": "AT",
        "Product name": "Beispiel Remote Signing",
        "Software component": "SAM 4.2",
        "Hardware component": "Beispiel HSM 3, firmware 3.1.0",
        "Version": "4.2",
        "Applicant": "Beispiel Vertrauensdienste GmbH",
        "Type of device": "signature and seal",
        "Category": "managed by a qualified trust service provider on behalf of a signatory",
        "Certificate of conformity": "QSCD-AT-0042",
        "Designated body": "Beispiel-Stelle",
        "Contact details": f"{name} {mail} {phone}",
        "Start date of certification": "01/02/2024",
        "Certification status": "Certified",
        "Expiry date of certification": "31/01/2029",
    }
    return row | {name.replace("_", " "): value for name, value in changes.items()}


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def trusted_list() -> bytes:
    """A list with a granted and a withdrawn service, unsigned, with addresses of persons."""
    name, mail, _, street, _ = PERSON
    url = "http://uri.etsi.org/TrstSvc"

    def texts(element: str, value: str, inner: str = "Name") -> str:
        return f'<{element}><{inner} xml:lang="en">{value}</{inner}></{element}>'

    def state(kind: str, status: str, since: str, more: str = "") -> str:
        return (
            f"<ServiceTypeIdentifier>{url}/Svctype/{kind}</ServiceTypeIdentifier>"
            f"{texts('ServiceName', more or kind)}"
            "<ServiceDigitalIdentity><DigitalId><X509SubjectName>CN=Beispiel</X509SubjectName></DigitalId>"
            f"</ServiceDigitalIdentity><ServiceStatus>{url}/TrustedList/Svcstatus/{status}</ServiceStatus>"
            f"<StatusStartingTime>{since}T00:00:00Z</StatusStartingTime>"
        )

    address = (
        f'<PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>{street}</StreetAddress><Locality>Wien'
        "</Locality><PostalCode>1010</PostalCode><CountryName>AT</CountryName></PostalAddress>"
        "</PostalAddresses>"
        f'<ElectronicAddress><URI xml:lang="en">mailto:{mail}</URI></ElectronicAddress>'
    )
    info = f"{url}/TrustedList/SvcInfoExt"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#" TSLTag="http://uri.etsi.org/19612/TSLTag"
 Id="tl"
 xmlns:s="http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#">
<SchemeInformation><TSLVersionIdentifier>6</TSLVersionIdentifier><TSLSequenceNumber>7</TSLSequenceNumber>
<TSLType>{url}/TrustedList/TSLType/EUgeneric</TSLType>{texts("SchemeOperatorName", name)}
<SchemeOperatorAddress>{address}</SchemeOperatorAddress>{texts("SchemeName", "AT: A list")}
{texts("SchemeInformationURI", "https://list.example", "URI")}
<StatusDeterminationApproach>{url}/TrustedList/StatusDetn/EUappropriate</StatusDeterminationApproach>
{texts("SchemeTypeCommunityRules", f"{url}/TrustedList/schemerules/EUcommon", "URI")}
<SchemeTerritory>AT</SchemeTerritory><PolicyOrLegalNotice><TSLLegalNotice xml:lang="en">None
</TSLLegalNotice></PolicyOrLegalNotice><HistoricalInformationPeriod>65535</HistoricalInformationPeriod>
<ListIssueDateTime>2026-04-01T00:00:00Z</ListIssueDateTime>
<NextUpdate><dateTime>2026-09-01T00:00:00Z</dateTime></NextUpdate></SchemeInformation>
<TrustServiceProviderList><TrustServiceProvider><TSPInformation>{texts("TSPName", "Beispiel Trust GmbH")}
{texts("TSPTradeName", "VATAT-U0000")}<TSPAddress>{address}</TSPAddress>
{texts("TSPInformationURI", "https://trust.example", "URI")}</TSPInformation><TSPServices>
<TSPService><ServiceInformation>{state("CA/QC", "granted", "2024-05-01", "Remote signing")}
<ServiceInformationExtensions><Extension Critical="true"><AdditionalServiceInformation>
<URI xml:lang="en">{info}/ForeSignatures</URI></AdditionalServiceInformation></Extension>
<Extension Critical="true"><s:Qualifications><s:QualificationElement><s:Qualifiers>
<s:Qualifier uri="{info}/QCQSCDManagedOnBehalf"/></s:Qualifiers><s:CriteriaList assert="all"><s:KeyUsage>
<s:KeyUsageBit name="nonRepudiation">true</s:KeyUsageBit></s:KeyUsage></s:CriteriaList>
</s:QualificationElement></s:Qualifications></Extension></ServiceInformationExtensions>
</ServiceInformation></TSPService>
<TSPService><ServiceInformation>
{state("TSA/QTST", "withdrawn", "2025-01-01")}</ServiceInformation>
<ServiceHistory><ServiceHistoryInstance>
{state("TSA/QTST", "granted", "2020-01-01")}</ServiceHistoryInstance></ServiceHistory>
</TSPService></TSPServices>
</TrustServiceProvider></TrustServiceProviderList>
</TrustServiceStatusList>""".encode()

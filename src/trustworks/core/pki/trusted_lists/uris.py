"""The addresses that TS 119 612 (clauses 5.3, 5.5 and annex D) and its predecessors use as names."""

from __future__ import annotations

from typing import Final

LIST_OF_LISTS: Final = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
"""Where the Commission publishes the list of lists."""
OFFICIAL_JOURNAL: Final = (
    "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=uriserv:OJ.C_.2019.276.01.0001.01.ENG"
)
"""The publication that says who signs it."""

_LIST: Final = "http://uri.etsi.org/TrstSvc/TrustedList/"
_TYPE: Final = "http://uri.etsi.org/TrstSvc/Svctype/"
_STATUS: Final = _LIST + "Svcstatus/"
_EXTENSION: Final = _LIST + "SvcInfoExt/"

EU_GENERIC: Final = _LIST + "TSLType/EUgeneric"
EU_LIST_OF_LISTS: Final = _LIST + "TSLType/EUlistofthelists"

XML_LIST: Final = "application/vnd.etsi.tsl+xml"

CA_QC: Final = _TYPE + "CA/QC"
OCSP_QC: Final = _TYPE + "Certstatus/OCSP/QC"
CRL_QC: Final = _TYPE + "Certstatus/CRL/QC"
TSA_QTST: Final = _TYPE + "TSA/QTST"
VALIDATION_Q: Final = _TYPE + "QESValidation/Q"
PRESERVATION_Q: Final = _TYPE + "PSES/Q"
DELIVERY_Q: Final = _TYPE + "EDS/Q"
MAIL_DELIVERY_Q: Final = _TYPE + "EDS/REM/Q"
ARCHIVING_Q: Final = _TYPE + "ElectronicArchiving/Q"
ATTESTATION_Q: Final = _TYPE + "EAA/Q"
LEDGER_Q: Final = _TYPE + "Ledgers/Q"
CA_PKC: Final = _TYPE + "CA/PKC"
TSA: Final = _TYPE + "TSA"
NATIONAL_ROOT: Final = _TYPE + "NationalRootCA-QC"

OF_AUTHORITIES: Final = (CA_QC, CA_PKC, NATIONAL_ROOT)
"""Services whose certificates issue those of signers."""
OF_TIME_STAMPS: Final = (TSA_QTST, TSA, TSA + "/TSS-QC", TSA + "/TSS-AdESQCandQES")
OF_STATUS: Final = (OCSP_QC, CRL_QC, _TYPE + "Certstatus/OCSP", _TYPE + "Certstatus/CRL")

GRANTED: Final = _STATUS + "granted"
WITHDRAWN: Final = _STATUS + "withdrawn"
RECOGNISED_NATIONALLY: Final = _STATUS + "recognisedatnationallevel"
DEPRECATED_NATIONALLY: Final = _STATUS + "deprecatedatnationallevel"

# Of the time of Directive 1999/93/EC, until 30 June 2016.
UNDER_SUPERVISION: Final = _STATUS + "undersupervision"
SUPERVISION_IN_CESSATION: Final = _STATUS + "supervisionincessation"
SUPERVISION_CEASED: Final = _STATUS + "supervisionceased"
SUPERVISION_REVOKED: Final = _STATUS + "supervisionrevoked"
ACCREDITED: Final = _STATUS + "accredited"
ACCREDITATION_CEASED: Final = _STATUS + "accreditationceased"
ACCREDITATION_REVOKED: Final = _STATUS + "accreditationrevoked"
SET_BY_NATIONAL_LAW: Final = _STATUS + "setbynationallaw"
DEPRECATED_BY_NATIONAL_LAW: Final = _STATUS + "deprecatedbynationallaw"

APPROVED: Final = frozenset(
    {
        GRANTED,
        RECOGNISED_NATIONALLY,
        UNDER_SUPERVISION,
        SUPERVISION_IN_CESSATION,
        ACCREDITED,
        SET_BY_NATIONAL_LAW,
    }
)
"""A service with one of these is approved; with any other it is not, or not any more."""

FOR_SIGNATURES: Final = _EXTENSION + "ForeSignatures"
FOR_SEALS: Final = _EXTENSION + "ForeSeals"
FOR_WEB: Final = _EXTENSION + "ForWebSiteAuthentication"
ROOT_CA_QC: Final = _EXTENSION + "RootCA-QC"

QC_STATEMENT: Final = _EXTENSION + "QCStatement"
NOT_QUALIFIED: Final = _EXTENSION + "NotQualified"
QC_FOR_ESIG: Final = _EXTENSION + "QCForESig"
QC_FOR_ESEAL: Final = _EXTENSION + "QCForESeal"
QC_FOR_WSA: Final = _EXTENSION + "QCForWSA"
QC_FOR_LEGAL_PERSON: Final = _EXTENSION + "QCForLegalPerson"
QC_WITH_SSCD: Final = _EXTENSION + "QCWithSSCD"
QC_NO_SSCD: Final = _EXTENSION + "QCNoSSCD"
QC_SSCD_AS_IN_CERT: Final = _EXTENSION + "QCSSCDStatusAsInCert"
QC_WITH_QSCD: Final = _EXTENSION + "QCWithQSCD"
QC_NO_QSCD: Final = _EXTENSION + "QCNoQSCD"
QC_QSCD_AS_IN_CERT: Final = _EXTENSION + "QCQSCDStatusAsInCert"
QC_QSCD_ON_BEHALF: Final = _EXTENSION + "QCQSCDManagedOnBehalf"

QUALIFIERS: Final = frozenset(
    {
        QC_STATEMENT,
        NOT_QUALIFIED,
        QC_FOR_ESIG,
        QC_FOR_ESEAL,
        QC_FOR_WSA,
        QC_FOR_LEGAL_PERSON,
        QC_WITH_SSCD,
        QC_NO_SSCD,
        QC_SSCD_AS_IN_CERT,
        QC_WITH_QSCD,
        QC_NO_QSCD,
        QC_QSCD_AS_IN_CERT,
        QC_QSCD_ON_BEHALF,
    }
)
"""All that clause 5.5.9.2.3 defines."""

"""What assurance speaks of: products, certificates, what persons state about them, and verdicts.

All of it is data without behaviour beyond reading it. The engine takes it as `Facts`; the register keeps it.
"""

from trustworks.assurance.model.age import stale
from trustworks.assurance.model.certificates import (
    FACTS,
    AreaLevels,
    Certificate,
    CertificateKind,
    Conflict,
    Fact,
    FactName,
    Missing,
    Provenance,
    SourceKind,
    Status,
    Value,
    value_text,
)
from trustworks.assurance.model.facts import Entry, Facts
from trustworks.assurance.model.papers import PAPERS, PaperKind, PaperUse, ProviderPaper
from trustworks.assurance.model.products import Binding, Identity, Product, ProductKind
from trustworks.assurance.model.statements import (
    Check,
    CheckKind,
    Confirmation,
    ConfirmationKind,
    Document,
    DocumentKind,
    Headcount,
    Transfer,
)
from trustworks.assurance.model.verdicts import (
    OptionVerdict,
    ProcessVerdict,
    ProductVerdict,
    Reason,
    Report,
    ServiceVerdict,
    Used,
    Verdict,
    standing,
)

__all__ = [
    "FACTS",
    "PAPERS",
    "AreaLevels",
    "Binding",
    "Certificate",
    "CertificateKind",
    "Check",
    "CheckKind",
    "Confirmation",
    "ConfirmationKind",
    "Conflict",
    "Document",
    "DocumentKind",
    "Entry",
    "Fact",
    "FactName",
    "Facts",
    "Headcount",
    "Identity",
    "Missing",
    "OptionVerdict",
    "PaperKind",
    "PaperUse",
    "ProcessVerdict",
    "Product",
    "ProductKind",
    "ProductVerdict",
    "Provenance",
    "ProviderPaper",
    "Reason",
    "Report",
    "ServiceVerdict",
    "SourceKind",
    "Status",
    "Transfer",
    "Used",
    "Value",
    "Verdict",
    "stale",
    "standing",
    "value_text",
]

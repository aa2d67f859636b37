"""What is asked for when something is to be signed: the request, and what only a PDF lets one choose."""

from trustworks.signing.model.pdf import CLI, JSON, Names, Visible, check_opens, lock_of
from trustworks.signing.model.request import (
    CERTIFY,
    CadesChoices,
    Container,
    Document,
    Format,
    JadesChoices,
    Level,
    Mechanism,
    Onto,
    Packaging,
    PadesChoices,
    Request,
    Signer,
    XadesChoices,
    usual_packaging,
)

__all__ = [
    "CERTIFY",
    "CLI",
    "JSON",
    "CadesChoices",
    "Container",
    "Document",
    "Format",
    "JadesChoices",
    "Level",
    "Mechanism",
    "Names",
    "Onto",
    "Packaging",
    "PadesChoices",
    "Request",
    "Signer",
    "Visible",
    "XadesChoices",
    "check_opens",
    "lock_of",
    "usual_packaging",
]

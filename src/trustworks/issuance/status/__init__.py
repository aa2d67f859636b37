"""Certificate status: the OCSP responder, and the revocation lists.

`StatusServices.open(...)` is what a worker serves, `CrlPublisher` what the jobs and the command publish with.
"""

from __future__ import annotations

from trustworks.issuance.status.crl import CrlPublisher, CrlState, crl_states
from trustworks.issuance.status.ocsp import OcspAnswer, Responder
from trustworks.issuance.status.publication import Publication
from trustworks.issuance.status.services import StatusServices
from trustworks.issuance.status.signer import OcspSigner, open_signer

__all__ = [
    "CrlPublisher",
    "CrlState",
    "OcspAnswer",
    "OcspSigner",
    "Publication",
    "Responder",
    "StatusServices",
    "crl_states",
    "open_signer",
]

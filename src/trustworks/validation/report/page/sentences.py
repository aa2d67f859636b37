"""What indications, levels and blocks mean, in sentences for who is no specialist."""

from __future__ import annotations

from typing import Final

from trustworks.validation.model import Indication, SubIndication
from trustworks.validation.qualification.signatures import SignatureQualification
from trustworks.validation.report.page.model import Tone

TONES: Final = {
    Indication.TOTAL_PASSED: Tone.PASSED,
    Indication.PASSED: Tone.PASSED,
    Indication.TOTAL_FAILED: Tone.FAILED,
    Indication.FAILED: Tone.FAILED,
    Indication.INDETERMINATE: Tone.OPEN,
}
WORDS: Final = {
    Tone.PASSED: "Passed",
    Tone.FAILED: "Failed",
    Tone.OPEN: "Cannot be said",
    Tone.NOTE: "Note",
}
MEANING: Final = {
    Tone.PASSED: (
        "What it covers is unchanged, its certificate leads to somebody who is trusted, and nothing that was "
        "looked at speaks against it."
    ),
    Tone.FAILED: "It does not hold for the file and the data as they were given.",
    Tone.OPEN: "With what is at hand it can be said neither that it holds nor that it does not.",
    Tone.NOTE: "",
}
WHY: Final[dict[SubIndication, str]] = {
    SubIndication.FORMAT_FAILURE: "The file is not built as signed files of its kind are.",
    SubIndication.HASH_FAILURE: "The data is not the data that was signed.",
    SubIndication.SIG_CRYPTO_FAILURE: "The {thing} was not made with the key of the {maker}'s certificate.",
    SubIndication.REVOKED: "The {thing} was made after the {maker}'s certificate had been revoked.",
    SubIndication.EXPIRED: "The {thing} was made after the {maker}'s certificate had expired.",
    SubIndication.NOT_YET_VALID: "The {thing} was made before the {maker}'s certificate was valid.",
    SubIndication.SIG_CONSTRAINTS_FAILURE: "The {thing} lacks what the policy asks of {thing}s.",
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: "A certificate lacks what the policy asks of certificates.",
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: (
        "The certificates do not hold together, or nobody said whether they were revoked."
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE: "A method was used that was too weak already.",
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: (
        "A method was used that is too weak today, and nothing proves that it was strong enough at the time."
    ),
    SubIndication.POLICY_PROCESSING_ERROR: "The policy that the {thing} names cannot be used.",
    SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE: "The policy that the {thing} names is not at hand.",
    SubIndication.TIMESTAMP_ORDER_FAILURE: "The time-stamps contradict each other.",
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: "It is not known whose {thing} it is.",
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: "The {maker}'s certificate leads to nobody who is trusted.",
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE: (
        "The {maker}'s certificate leads to somebody who is not trusted any more."
    ),
    SubIndication.REVOKED_NO_POE: (
        "The {maker}'s certificate was revoked, and nothing proves that the {thing} is older."
    ),
    SubIndication.REVOKED_CA_NO_POE: (
        "The certificate of an authority was revoked, and nothing proves that the {thing} is older."
    ),
    SubIndication.OUT_OF_BOUNDS_NO_POE: (
        "The {maker}'s certificate is not valid today, and nothing proves that the {thing} is from when it "
        "was."
    ),
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: (
        "The {maker}'s certificate has expired, and nothing proves that the {thing} is older."
    ),
    SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE: (
        "Whoever said that the certificate was not revoked has no valid certificate any more."
    ),
    SubIndication.NO_POE: "Nothing proves that something needed existed in time.",
    SubIndication.TRY_LATER: "What is known about revocation is not recent enough.",
    SubIndication.SIGNED_DATA_NOT_FOUND: "The data that was signed is not at hand.",
}
"""Why, with the `thing` that is judged and its `maker` to be filled in."""
THINGS: Final = {
    "signature": "signer",
    "time-stamp": "time-stamping unit",
    "evidence record": "time-stamping unit",
}
"""What is judged, and who makes it."""
_SEAL: Final = "electronic seal"
_SIGNATURE: Final = "electronic signature"
_Q: Final = SignatureQualification
QUALIFIED: Final[dict[SignatureQualification, str]] = {
    _Q.QESIG: f"Yes: a qualified {_SIGNATURE}",
    _Q.QESEAL: f"Yes: a qualified {_SEAL}",
    _Q.UNKNOWN_QC_QSCD: f"Yes: a qualified {_SIGNATURE} or seal; which of both is not said",
    _Q.ADESIG_QC: f"No: an advanced {_SIGNATURE} with a qualified certificate, not by a qualified device",
    _Q.ADESEAL_QC: f"No: an advanced {_SEAL} with a qualified certificate, not by a qualified device",
    _Q.UNKNOWN_QC: "No: an advanced signature or seal with a qualified certificate",
    _Q.ADES: "No: not shown to be more than an advanced signature or seal",
    _Q.INDETERMINATE_QESIG: f"Cannot be said: a qualified {_SIGNATURE} if it is valid",
    _Q.INDETERMINATE_QESEAL: f"Cannot be said: a qualified {_SEAL} if it is valid",
    _Q.INDETERMINATE_UNKNOWN_QC_QSCD: f"Cannot be said: a qualified {_SIGNATURE} or seal if it is valid",
    _Q.INDETERMINATE_ADESIG_QC: f"No: if valid, an advanced {_SIGNATURE} with a qualified certificate",
    _Q.INDETERMINATE_ADESEAL_QC: f"No: if valid, an advanced {_SEAL} with a qualified certificate",
    _Q.INDETERMINATE_UNKNOWN_QC: "No: if valid, an advanced signature or seal with a qualified certificate",
    _Q.INDETERMINATE_ADES: "No: if valid, not shown to be more than an advanced signature or seal",
    _Q.NOT_ADES_QC_QSCD: "No: it does not hold, though its certificate and device are qualified",
    _Q.NOT_ADES_QC: "No: it does not hold, though its certificate is qualified",
    _Q.NOT_ADES: "No: it does not hold",
    _Q.NOT_APPLICABLE: "Not applicable",
}
NOT_ASKED: Final = "Not asked: no trusted lists were given"
NO_PATH: Final = "Cannot be said: the certificate leads to no provider on a trusted list"
BLOCKS: Final = {
    "BASIC": "Basic validation",
    "TIME-STAMP": "Validation of the time-stamp",
    "TIME-STAMP-LTA": "Validation of the time-stamp with all proofs of existence",
    "WITH-TIME": "Validation with time",
    "LTA": "Validation with long-term evidence",
    "EVIDENCE-RECORD": "Validation of the evidence record",
    "FC": "Format",
    "ISC": "Identification of the signing certificate",
    "VCI": "Signature policy",
    "CV": "Cryptographic verification",
    "XCV": "Validation of the certificate",
    "X509": "Certificates of the signer",
    "SAV": "Acceptance of the signature",
    "CRS": "Selection of revocation data",
    "RAC": "Acceptance of revocation data",
    "RFC": "Freshness of revocation data",
    "PCV": "Validation of the certificate in the past",
    "VTS": "Moving back the time of validation",
    "PSV": "Validation of the signature in the past",
}
COMMITMENTS: Final = {
    "1.2.840.113549.1.9.16.6.1": "proof of origin",
    "1.2.840.113549.1.9.16.6.2": "proof of receipt",
    "1.2.840.113549.1.9.16.6.3": "proof of delivery",
    "1.2.840.113549.1.9.16.6.4": "proof of sending",
    "1.2.840.113549.1.9.16.6.5": "proof of approval",
    "1.2.840.113549.1.9.16.6.6": "proof of creation",
    "http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin": "proof of origin",
    "http://uri.etsi.org/01903/v1.2.2#ProofOfReceipt": "proof of receipt",
    "http://uri.etsi.org/01903/v1.2.2#ProofOfDelivery": "proof of delivery",
    "http://uri.etsi.org/01903/v1.2.2#ProofOfSender": "proof of sending",
    "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval": "proof of approval",
    "http://uri.etsi.org/01903/v1.2.2#ProofOfCreation": "proof of creation",
}
"""What a signer commits to, by OID (CMS) and URI (XML)."""

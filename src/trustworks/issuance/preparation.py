"""Prepare a certificate, lint it, sign exactly that once: the authority's key sees nothing unlinted.

The to-be-signed octets are made once. For the lints, which look at whole certificates, a placeholder stands
where the signature will be. Then the authority's key signs the same octets, and the result is verified and
looked at again (docs/adr/0011).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.der.algorithms import read_signature
from trustworks.core.der.x509 import assemble_certificate
from trustworks.core.errors import Refused, Unavailable
from trustworks.core.pki.signatures import is_signed_by
from trustworks.core.trace import implements
from trustworks.issuance.lints import findings, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.issuance.lints import Candidate, Finding, Surroundings

# Where the signature will be. It is one of no key and of no scheme, so it verifies nowhere.
PLACEHOLDER: Final = b"no signature yet"


@implements("TRUSTWORKS:ISSUANCE-LINTED")
def check_findings(found: Sequence[Finding]) -> None:
    """Refuse a certificate that a lint objects to, under the first lint's id and with all sentences."""
    if found:
        first = found[0].lint.id
        sentences = [
            one.sentence if one.lint.id == first else f"{one.sentence} ({one.lint.id})" for one in found
        ]
        raise Refused(first, " ".join(sentences))


@implements("TRUSTWORKS:ISSUANCE-SAME-OCTETS")
def check_same(prepared: bytes, signed: bytes) -> None:
    """Refuse a certificate whose signed octets are not those that were prepared and linted."""
    if prepared != signed:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-SAME-OCTETS",
            "The certificate does not carry the octets that were checked; it was thrown away. Report this "
            "fault.",
        )


_read_signature = lru_cache(64)(read_signature)


@lru_cache(64)
def _public_key(certificate: x509.Certificate) -> object:
    """The key of an authority's certificate; to make it of its octets takes as long as a signature."""
    return certificate.public_key()


class Prepared:
    """A linted certificate that waits for its signature: a token that is redeemed once.

    `tbs` are the octets to be signed.
    """

    __slots__ = ("_algorithm", "_candidate", "_redeemed", "tbs")

    def __init__(self, *, tbs: bytes, algorithm: bytes, candidate: Candidate) -> None:
        self.tbs = tbs
        self._algorithm = algorithm
        self._candidate = candidate
        self._redeemed = False

    def redeem(self, sign: Callable[[bytes], bytes]) -> bytes:
        """Sign, and answer the certificate after it passed all checks again.

        Raises `Refused` for a finding, `Unavailable` (issuance.bad-signature) when the signature does not
        verify, what `sign` raises; RuntimeError the second time.
        """
        if self._redeemed:
            raise RuntimeError("a prepared certificate is signed once")
        self._redeemed = True
        der = assemble_certificate(self.tbs, self._algorithm, sign(self.tbs))
        certificate = x509.load_der_x509_certificate(der)
        # What a lint says of the signed octets is a function of them and of the surroundings. Both are the
        # same as before, so only those are asked again that look at what the signature brought.
        check_same(self.tbs, certificate.tbs_certificate_bytes)
        issuer = self._candidate.around.issuer
        key = certificate.public_key() if issuer is None else _public_key(issuer)
        if not is_signed_by(key, certificate.signature, self.tbs, _read_signature(self._algorithm)):
            raise Unavailable(
                "issuance.bad-signature",
                "The certificate's signature does not verify with the authority's certificate; it was thrown "
                "away. "
                "See whether the key on the token is the authority's: `trustworks module keys`.",
            )
        check_findings(findings(self._candidate.signed(certificate, der), outside=True))
        return der


def prepare(tbs: bytes, algorithm: bytes, around: Surroundings) -> Prepared:
    """Lint the octets to be signed; `algorithm` is the AlgorithmIdentifier that will stand beside them.

    Raises `Refused` for the first finding.
    """
    candidate = read(assemble_certificate(tbs, algorithm, PLACEHOLDER), around)
    check_findings(findings(candidate))
    return Prepared(tbs=tbs, algorithm=algorithm, candidate=candidate)

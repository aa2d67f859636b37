"""Certification requests (PKCS#10) for keys of the module: how a key comes to a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes

    from trustworks.core.module.key import Key

    _Digest = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

_NOBODY = x509.Name([])


def certification_request(key: Key, subject: x509.Name = _NOBODY) -> bytes:
    """A request for a certificate of `key`, in DER, signed in the module by the key's own scheme.

    The signature shows that whoever asks has the key. The provider's own authority takes the subject from
    its officer and not from the request, so that a request may be without a name (RFC 2986, 4.1). Raises
    what `Key.sign` raises.
    """
    scheme, digest, pss = key.scheme, None, None
    if scheme.hash is not None:
        digest = cast("_Digest", scheme.hash.algorithm)
        if scheme.padding == "rsa-pss":
            pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key.private_key(scheme), digest, rsa_padding=pss).public_bytes(Encoding.DER)

"""Certificate status: the OCSP responder and the publisher of revocation lists."""

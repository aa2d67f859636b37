"""Lints of RFC 6960: the certificates of OCSP responders."""

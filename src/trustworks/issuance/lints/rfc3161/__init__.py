"""Lints of RFC 3161: the certificates of time-stamping units."""

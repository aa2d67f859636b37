"""Lints of RFC 5280: what every certificate of the Internet keeps to."""

"""Lints of RFC 9608: certificates without revocation information."""

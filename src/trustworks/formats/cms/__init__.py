"""Signed data of the Cryptographic Message Syntax, as signers really write it (RFC 5652, RFC 2315)."""

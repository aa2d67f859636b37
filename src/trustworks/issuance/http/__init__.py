"""Issuance over HTTP: a module per protocol."""

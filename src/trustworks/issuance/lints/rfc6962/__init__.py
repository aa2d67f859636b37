"""Lints of RFC 6962: precertificates and the timestamps of logs."""

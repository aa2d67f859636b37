"""Signature creation and server signing (service D)."""

"""PAdES: from octets to evidence."""

from trustworks.formats.pades.reader import read

__all__ = ["read"]

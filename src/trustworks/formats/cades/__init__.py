"""CAdES: from octets to evidence."""

from trustworks.formats.cades.reading import read, read_cms

__all__ = ["read", "read_cms"]

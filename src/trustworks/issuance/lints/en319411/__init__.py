"""Lints of EN 319 411-1 and -2: what the policies say about certificates' content."""

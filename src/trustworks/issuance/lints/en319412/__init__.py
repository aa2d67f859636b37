"""Lints of EN 319 412-1, -2, -3 and -5: certificates of natural and legal persons, and qualified ones."""

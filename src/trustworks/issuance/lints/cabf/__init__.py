"""Lints of the CA/Browser Forum's requirements, as far as a private authority's servers profit."""

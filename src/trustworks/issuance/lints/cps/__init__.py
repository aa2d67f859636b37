"""Lints of the provider's own practice: what no standard says and the profiles promise."""

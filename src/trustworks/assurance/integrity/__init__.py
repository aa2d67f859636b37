"""The integrity of this product: a signed manifest of all files of an installation, and what differs."""

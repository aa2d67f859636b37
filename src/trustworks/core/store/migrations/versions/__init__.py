"""One file for each version, numbered; each names the one before it."""

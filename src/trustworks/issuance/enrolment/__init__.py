"""Ways by which requests reach the authority: a file per way. Each ends in `Issuance.issue`."""

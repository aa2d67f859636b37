"""`trustworks sign` and `trustworks augment`."""

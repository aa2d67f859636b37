"""`trustworks sign`, `trustworks augment` and `trustworks agreement`."""

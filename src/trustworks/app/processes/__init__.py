"""The processes of `trustworks serve`: who starts them, what listens, and what each of them runs."""

"""Lints of TS 119 495: what certificates of payment service providers state."""

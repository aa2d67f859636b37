"""Rules of issuance that are not about a certificate's bytes: keys, requests, revocations. Pure functions."""

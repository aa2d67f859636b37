"""What a signer is shown of a document before he signs it: exactly what he gets, and what he has to know."""

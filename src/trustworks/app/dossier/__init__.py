"""What only the application knows of a dossier: identities, documents, samples, and the key that seals it."""

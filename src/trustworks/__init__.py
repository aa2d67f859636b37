"""The trustworthy systems of a trust service provider."""

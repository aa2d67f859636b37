"""Registration: who a subject is, by what evidence, and who decided (EN 319 411-1, 6.2 and 6.3)."""

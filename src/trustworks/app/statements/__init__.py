"""Practice and disclosure statements: drawn from the configuration, versioned, published."""

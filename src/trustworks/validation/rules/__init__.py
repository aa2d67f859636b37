"""The algorithm of EN 319 102-1, pure: the same inputs give the same outcome, years later too."""

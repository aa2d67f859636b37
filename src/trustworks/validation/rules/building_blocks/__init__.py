"""The basic building blocks of EN 319 102-1, 5.2: one module for each, named as in its headings."""

"""XML as a tree, and as its stylesheet shows it."""

"""`python -m trustworks`: the command line, where no `trustworks` is on the path."""

from __future__ import annotations

from trustworks.app.cli import main

if __name__ == "__main__":
    main()

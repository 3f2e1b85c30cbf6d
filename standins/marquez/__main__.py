"""`python -m standins.marquez`: serve until told to stop."""

from __future__ import annotations

import sys

from standins.marquez import server

if __name__ == "__main__":
    sys.exit(server.main())

"""The front door: what `make` calls. It checks, prepares, runs and says what to look at next."""

"""kind, where a Docker engine answers."""

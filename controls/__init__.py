"""Planted faults: each breaks the platform in one place and says which scenarios must be red then."""

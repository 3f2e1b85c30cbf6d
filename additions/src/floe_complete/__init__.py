"""`floe-complete`: the commands that floe 0.1.0a1 names and does not have, on floe's own public API."""

"""What every layer may use: errors, the user's cache, processes with deadlines, progress."""

"""What the platform costs: rows per second beside two references, and where the time of a run goes."""

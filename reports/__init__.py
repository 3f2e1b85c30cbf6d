"""Evidence: what a run proved of the catalogue, and the pages a person reads it from."""

"""A cluster that is there already and belongs to the user."""

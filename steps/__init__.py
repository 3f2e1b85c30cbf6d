"""The vocabulary of the features: one line of meaning a step, no protocol."""

"""One module per protocol or service: typed questions and acts, silent, asserting nothing."""

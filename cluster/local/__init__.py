"""A real single-node Kubernetes without Docker and without an image registry."""

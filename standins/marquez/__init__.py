"""A contract stand-in of Marquez 0.51.1: OpenLineage events in, jobs, runs, datasets and lineage out.

See README.md in this folder: what it is, what it is not, and how it is run.
"""

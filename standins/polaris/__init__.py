"""A contract stand-in of Apache Polaris 1.4.1 in front of Apache Iceberg's own REST catalog.

See README.md in this folder: what it is, what it is not, and how it is run.
"""

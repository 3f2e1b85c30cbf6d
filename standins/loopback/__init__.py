"""The services that a pipeline needs, as processes on loopback: MinIO, PostgreSQL, the catalog stand-in.

Without a cluster, a container or a service of the machine; the contract test and the benchmark use them.
"""

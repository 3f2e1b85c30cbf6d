"""Keeps Iceberg tables small: old rows, small files, old snapshots and unused objects go."""

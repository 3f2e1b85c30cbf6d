"""Completes floe 0.1.0a1 through its own entry points: dbt models are Iceberg tables from the start."""

__version__ = "0.1.0"

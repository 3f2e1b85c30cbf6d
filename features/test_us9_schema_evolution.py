"""Binds us9_schema_evolution.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us9_schema_evolution.feature")

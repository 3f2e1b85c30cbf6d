"""Binds us3_pipelines.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us3_pipelines.feature")

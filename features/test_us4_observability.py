"""Binds us4_observability.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us4_observability.feature")

"""Binds us5_health.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us5_health.feature")

"""Binds us2_locations.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us2_locations.feature")

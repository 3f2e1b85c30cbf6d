"""Binds us2_refusals.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us2_refusals.feature")

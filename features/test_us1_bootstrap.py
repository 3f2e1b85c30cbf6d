"""Binds us1_bootstrap.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us1_bootstrap.feature")

"""Binds us5_plugins.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us5_plugins.feature")

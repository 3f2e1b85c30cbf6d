"""Binds us2_compilation.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us2_compilation.feature")

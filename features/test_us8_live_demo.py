"""Binds us8_live_demo.feature to the shared vocabulary."""

from pytest_bdd import scenarios

scenarios("us8_live_demo.feature")

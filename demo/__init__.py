"""The demo products and their seed data."""

"""Tests of the suite itself. A package of its own: marquez-python brings another one of this name."""

"""Clusters: a local node, kind, or one that exists, behind one small interface."""

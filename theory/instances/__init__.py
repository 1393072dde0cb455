"""Closed forms of the hard instances."""

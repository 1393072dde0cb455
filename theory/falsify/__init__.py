"""Searching for the problem on which a statement comes closest to failing, or fails."""

"""Measured errors and their certified intervals."""

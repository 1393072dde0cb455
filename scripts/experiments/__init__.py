"""Experiments: each makes one stored table that a figure reads."""

"""Quasi-SMC: parents and tokens drawn together, from one line of cells."""

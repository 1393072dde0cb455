"""Finite-state models and the families of problems built on them."""

"""Numba kernels; they only fill arrays."""

"""Resampling schemes, one a file: a numba function and its plain twin."""

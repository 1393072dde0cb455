"""Samplers: frozen dataclasses of options, each with `run` and `exact_law`."""

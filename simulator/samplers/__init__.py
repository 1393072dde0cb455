"""Samplers: small frozen dataclasses with one method, run."""

"""Lookahead SMC."""

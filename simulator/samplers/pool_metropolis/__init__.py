"""Metropolis-Hastings over paths that are drawn from pools of candidates."""

"""Samplers that accept or start again whole runs: SMC with restart, and DMC."""

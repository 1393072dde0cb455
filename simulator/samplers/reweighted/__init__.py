"""SMC with other weighting rules than the ratio of values."""

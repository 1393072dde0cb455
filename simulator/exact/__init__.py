"""Exact laws, values and variances, without sampling."""

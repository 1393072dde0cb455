"""Statements that are no bound on the error of one sampler on one problem; one a file."""

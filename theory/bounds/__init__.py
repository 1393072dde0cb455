"""Statements about D_TV of one sampler on one problem, upper, lower or exact; one a file."""

"""Seeds, the random generator of all samplers, and threads."""

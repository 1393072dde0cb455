"""One figure a file; figures read stored tables only."""

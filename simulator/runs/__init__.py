"""Studies of many cells, stored results and their provenance."""

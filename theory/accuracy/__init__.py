"""How often N particles answer right: limits that hold at every N, and predictors."""

"""VGB, the random walk that backtracks."""

"""What is claimed: criteria, bounds and verdicts."""

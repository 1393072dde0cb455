"""What is sampled: models, process reward models, problems, and their exact values."""

"""What is typed: the command line and the experiments behind it."""

"""Upper bounds on the error, one statement a file."""

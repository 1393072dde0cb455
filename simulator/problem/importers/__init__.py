"""Models of other tools read as problems, one kind of file a module."""

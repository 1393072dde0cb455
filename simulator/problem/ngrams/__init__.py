"""N-gram models: counted from a text, or read from an ARPA file; their rows and states."""

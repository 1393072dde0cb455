"""Regular expressions as finite automata that read bytes, and tokens."""

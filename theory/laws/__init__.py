"""Laws that hold as N grows: what the error is, not what it is at most."""

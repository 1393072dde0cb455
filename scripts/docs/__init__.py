"""Source of the documentation; `make docs` builds it."""

"""When numbers that rounding has moved apart count as equal, in the laws of the offspring."""

__all__ = ["FLOOR_SLACK", "ROUNDING"]

# Outcomes below this are artefacts of rounding: breakpoints that coincide in exact arithmetic.
ROUNDING = 1e-12
# N W_i counts as a whole number when it is this close below one (the floors of equal weights
# would otherwise drop to zero together, which is another law).
FLOOR_SLACK = 1e-9

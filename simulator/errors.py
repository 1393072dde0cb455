"""The one error type that means "your input is wrong"."""

__all__ = ["InputError", "TooLargeError"]


class InputError(ValueError):
    """Bad input from the user, told in one line.

    The command line prints the message and exits with code 2; library users
    can catch it as a `ValueError`.

    Examples
    --------
    >>> raise InputError("stage 2, row 0: probabilities sum to 0.9, not 1")
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: stage 2, row 0: probabilities sum to 0.9, not 1
    """


class TooLargeError(InputError):
    """A computation needs more work than its limit; says how much."""

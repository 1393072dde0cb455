"""Families of problems, one a file: functions that return a `Problem`."""

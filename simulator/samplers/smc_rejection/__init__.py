"""SMC by rejection, SMC-RS, and its case N = 1, ALRS."""

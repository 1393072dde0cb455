"""SMC-IND, whose particles branch independently of each other."""

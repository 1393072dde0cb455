"""Other implementations of SMC on the same Feynman-Kac model."""

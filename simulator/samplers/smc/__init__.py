"""SMC, the particle filter: its options, kernels, plain twin, and runs on texts."""

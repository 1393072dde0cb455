"""The samplers on language models: plain numpy over the protocol, one file an algorithm."""

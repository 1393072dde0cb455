"""Real language models behind one small interface, and the samplers on them."""

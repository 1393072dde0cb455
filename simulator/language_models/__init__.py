"""Real language models behind one small interface, and what is measured on them."""

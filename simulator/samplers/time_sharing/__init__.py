"""A filter made for the recursive hard instances."""

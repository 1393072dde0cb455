"""What particle filters are compared with: SIS, best-of-N, beam search and the like."""

"""What the chapters draw: a fixed chart each, and the data that a setting puts into it."""

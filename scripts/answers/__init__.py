"""Questions with checkable answers, of a user's own: `lm answers FILE`."""

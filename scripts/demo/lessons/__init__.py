"""What the chapters show, computed with the library; nothing here knows of browsers."""

"""The notebooks, one a chapter: controls, a picture, a question and its answer."""

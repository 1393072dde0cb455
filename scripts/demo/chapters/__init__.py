"""The chapters, one a file: controls, what they show, a question and its answer."""

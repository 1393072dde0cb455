"""The teaching app: six chapters in the browser, each a notebook of thin cells."""

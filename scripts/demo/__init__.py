"""The lecture: chapters in the browser, from files or computed while one watches."""

"""Texts of a language model as samplers see them: models, problems and PRMs."""

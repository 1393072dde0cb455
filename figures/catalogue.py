"""All figures by name; each reads the table of the same name."""

from __future__ import annotations

from figures.accuracy import ACCURACY
from figures.audit import AUDIT
from figures.certificates import CERTIFICATES
from figures.hard import HARD
from figures.language_model_answers import LANGUAGE_MODEL_ANSWERS
from figures.language_model_tables import LANGUAGE_MODEL_TABLES
from figures.product import PRODUCT
from figures.prompt_switching import LANGUAGE_MODEL_STYLES, LANGUAGE_MODEL_SWITCHING
from figures.ratios import RATIOS
from figures.trees import TREES
from figures.two_branch import TWO_BRANCH

__all__ = ["FIGURES"]

FIGURES = {
    f.name: f
    for f in (
        TREES,
        LANGUAGE_MODEL_TABLES,
        PRODUCT,
        TWO_BRANCH,
        CERTIFICATES,
        RATIOS,
        LANGUAGE_MODEL_STYLES,
        LANGUAGE_MODEL_SWITCHING,
        LANGUAGE_MODEL_ANSWERS,
        ACCURACY,
        HARD,
        AUDIT,
    )
}

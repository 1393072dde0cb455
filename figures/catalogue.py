"""All figures by name, in the order of the report; each reads the table of the same name."""

from __future__ import annotations

from figures.accuracy import ACCURACY
from figures.audit import AUDIT
from figures.certificates import CERTIFICATES
from figures.cost import COST
from figures.hard import HARD
from figures.language_model_answers import LANGUAGE_MODEL_ANSWERS
from figures.language_model_tables import LANGUAGE_MODEL_TABLES
from figures.product import PRODUCT
from figures.prompt_switching import LANGUAGE_MODEL_STYLES, LANGUAGE_MODEL_SWITCHING
from figures.ratios import RATIOS
from figures.survey import SURVEY
from figures.trees import TREES
from figures.two_branch import TWO_BRANCH

__all__ = ["FIGURES"]

ORDER = (
    TREES,
    LANGUAGE_MODEL_TABLES,
    PRODUCT,
    TWO_BRANCH,
    RATIOS,
    SURVEY,
    COST,
    CERTIFICATES,
    HARD,
    AUDIT,
    ACCURACY,
    LANGUAGE_MODEL_STYLES,
    LANGUAGE_MODEL_SWITCHING,
    LANGUAGE_MODEL_ANSWERS,
)
FIGURES = {each.name: each for each in ORDER}

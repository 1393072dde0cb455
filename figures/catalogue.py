"""All figures by name, in the order of the report; each reads the table of the same name."""

from __future__ import annotations

from figures.audit import AUDIT
from figures.certificates import CERTIFICATES
from figures.cost import COST
from figures.hard import HARD
from figures.language_model_tables import LANGUAGE_MODEL_TABLES
from figures.product import PRODUCT
from figures.ratios import RATIOS
from figures.trees import TREES
from figures.two_branch import TWO_BRANCH

__all__ = ["FIGURES"]

ORDER = (
    TREES,
    LANGUAGE_MODEL_TABLES,
    PRODUCT,
    TWO_BRANCH,
    RATIOS,
    COST,
    CERTIFICATES,
    HARD,
    AUDIT,
)
FIGURES = {each.name: each for each in ORDER}

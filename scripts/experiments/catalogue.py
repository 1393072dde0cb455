"""All experiments of `reproduce`, in the order of the report."""

from __future__ import annotations

from scripts.experiments.accuracy import ACCURACY
from scripts.experiments.audit import AUDIT
from scripts.experiments.certificates import CERTIFICATES
from scripts.experiments.cost import COST
from scripts.experiments.hard import HARD
from scripts.experiments.language_model_answers import LANGUAGE_MODEL_ANSWERS
from scripts.experiments.language_model_styles import LANGUAGE_MODEL_STYLES
from scripts.experiments.language_model_switching import LANGUAGE_MODEL_SWITCHING
from scripts.experiments.language_model_tables import LANGUAGE_MODEL_TABLES
from scripts.experiments.product import PRODUCT
from scripts.experiments.ratios import RATIOS
from scripts.experiments.survey import SURVEY
from scripts.experiments.trees import TREES
from scripts.experiments.two_branch import TWO_BRANCH

__all__ = ["EXPERIMENTS"]

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
EXPERIMENTS = {each.name: each for each in ORDER}

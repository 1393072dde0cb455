"""All experiments of `reproduce`, in the order of the report."""

from __future__ import annotations

from scripts.experiments.accuracy import ACCURACY
from scripts.experiments.audit import AUDIT
from scripts.experiments.certificates import CERTIFICATES
from scripts.experiments.cost import COST
from scripts.experiments.coupling import COUPLING
from scripts.experiments.criteria_map import CRITERIA_MAP
from scripts.experiments.genealogy import GENEALOGY
from scripts.experiments.hard import HARD
from scripts.experiments.heavy_tail import HEAVY_TAIL
from scripts.experiments.language_model_answers import LANGUAGE_MODEL_ANSWERS
from scripts.experiments.language_model_styles import LANGUAGE_MODEL_STYLES
from scripts.experiments.language_model_switching import LANGUAGE_MODEL_SWITCHING
from scripts.experiments.language_model_tables import LANGUAGE_MODEL_TABLES
from scripts.experiments.near_perfect import NEAR_PERFECT
from scripts.experiments.product import PRODUCT
from scripts.experiments.ratios import RATIOS
from scripts.experiments.restart import RESTART
from scripts.experiments.survey import SURVEY
from scripts.experiments.trees import TREES
from scripts.experiments.trees_rejection import TREES_REJECTION
from scripts.experiments.two_branch import TWO_BRANCH
from scripts.experiments.variance import VARIANCE

__all__ = ["EXPERIMENTS"]

ORDER = (
    TREES,
    TREES_REJECTION,
    CRITERIA_MAP,
    LANGUAGE_MODEL_TABLES,
    PRODUCT,
    TWO_BRANCH,
    VARIANCE,
    RESTART,
    NEAR_PERFECT,
    HEAVY_TAIL,
    RATIOS,
    SURVEY,
    COST,
    CERTIFICATES,
    HARD,
    COUPLING,
    GENEALOGY,
    AUDIT,
    ACCURACY,
    LANGUAGE_MODEL_STYLES,
    LANGUAGE_MODEL_SWITCHING,
    LANGUAGE_MODEL_ANSWERS,
)
EXPERIMENTS = {each.name: each for each in ORDER}

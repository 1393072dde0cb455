"""All figures by name, in the order of the report; each reads the table of the same name."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from figures.accuracy import ACCURACY
from figures.accuracy_bias import ACCURACY_BIAS
from figures.accuracy_prediction import ACCURACY_PREDICTION
from figures.accuracy_sharpened import ACCURACY_SHARPENED
from figures.atlas import ATLAS
from figures.audit import AUDIT
from figures.certificates import CERTIFICATES
from figures.constrained import CONSTRAINED
from figures.cost import COST
from figures.coupling import COUPLING
from figures.criteria_map import CRITERIA_MAP
from figures.first_order import FIRST_ORDER
from figures.genealogy import GENEALOGY
from figures.hard import HARD
from figures.heavy_tail import HEAVY_TAIL
from figures.language_model_answers import LANGUAGE_MODEL_ANSWERS
from figures.language_model_tables import LANGUAGE_MODEL_TABLES
from figures.near_perfect import NEAR_PERFECT
from figures.product import PRODUCT
from figures.prompt_switching import LANGUAGE_MODEL_STYLES, LANGUAGE_MODEL_SWITCHING
from figures.quasi import QUASI
from figures.rates import RATES
from figures.ratios import RATIOS
from figures.restart import RESTART
from figures.survey import SURVEY
from figures.trees import TREES
from figures.trees_rejection import TREES_REJECTION
from figures.two_branch import TWO_BRANCH
from figures.variance import VARIANCE

__all__ = ["FIGURES", "MAIN", "list_of_figures"]

ORDER = (
    TREES,
    TREES_REJECTION,
    CRITERIA_MAP,
    FIRST_ORDER,
    LANGUAGE_MODEL_TABLES,
    CONSTRAINED,
    PRODUCT,
    TWO_BRANCH,
    VARIANCE,
    RATES,
    RESTART,
    NEAR_PERFECT,
    HEAVY_TAIL,
    QUASI,
    RATIOS,
    ATLAS,
    SURVEY,
    COST,
    CERTIFICATES,
    HARD,
    COUPLING,
    GENEALOGY,
    AUDIT,
    ACCURACY,
    ACCURACY_BIAS,
    ACCURACY_SHARPENED,
    ACCURACY_PREDICTION,
    LANGUAGE_MODEL_STYLES,
    LANGUAGE_MODEL_SWITCHING,
    LANGUAGE_MODEL_ANSWERS,
)
FIGURES = {each.name: each for each in ORDER}
# what the report shows first
MAIN = ("trees", "rates", "first_order", "quasi", "hard", "accuracy_sharpened")


def list_of_figures(tables: Mapping[str, pd.DataFrame]) -> str:
    """Say in Markdown what each figure shows, with the numbers behind it.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Stored tables by name.

    Returns
    -------
    str

    Examples
    --------
    >>> print(list_of_figures({}), end="")
    # Figures
    """
    parts = [
        f"\n## {spec.title}\n\n{spec.caption(tables[name])}\n\n"
        f"figures/{name}.pdf, figures/{name}.png, from tables/{name}.parquet\n"
        for name, spec in FIGURES.items()
        if name in tables
    ]
    return "".join(["# Figures\n", *parts])

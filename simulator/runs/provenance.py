"""What made a result: parameters, software versions and seed, as one JSON text."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["provenance", "software_versions"]

SOURCES = ("simulator", "theory", "scripts/experiments")
PACKAGES = ("particlebounds", "numpy", "numba", "scipy", "pandas", "pyarrow")


@cache
def software_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a number depends on.

    Returns
    -------
    dict
        Package name to version; "source" is a digest of the library's own code, so that
        a result made by other code is never taken for a finished one.
    """
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    found["source"] = digest.hexdigest()[:16]
    return found


def provenance(kind: str, parameters: Mapping[str, object]) -> dict[str, object]:
    """Everything needed to make a result again.

    Parameters
    ----------
    kind : str
        Which computation made it.
    parameters : mapping
        JSON-like arguments, the seed among them.

    Returns
    -------
    dict
        Equal for two results exactly when they should be equal.

    Examples
    --------
    >>> sorted(provenance("trees", {"seed": 1}))
    ['kind', 'parameters', 'software']
    """
    plain = json.loads(json.dumps(dict(parameters), sort_keys=True))
    return {"kind": kind, "parameters": plain, "software": software_versions()}

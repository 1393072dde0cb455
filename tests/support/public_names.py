"""What users import: the names that the documentation lists (scripts/docs/api.rst)."""

import importlib
import inspect
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules():
    """Packages and modules of the interface."""
    text = (ROOT / "scripts" / "docs" / "api.rst").read_text()
    return [
        *re.findall(r"^   ((?:simulator|theory|figures)[\w.]*)$", text, re.MULTILINE),
        "simulator.problem.files",
        *(
            f"{folder}.{path.stem}"
            for folder in ("simulator.problem.families", "theory.bounds")
            for path in sorted((ROOT / folder.replace(".", "/")).glob("[a-z]*.py"))
        ),
    ]


def public_names():
    """Import path of each public function, class and method, each once."""
    found = {}
    for module in modules():
        owner = importlib.import_module(module)
        for name in getattr(owner, "__all__", ()):
            thing = inspect.unwrap(getattr(owner, name))
            if not (inspect.isclass(thing) or inspect.isroutine(thing)):
                continue
            home = f"{thing.__module__}.{thing.__qualname__}"
            found.setdefault(home, None)
            if inspect.isclass(thing):
                for method, value in vars(thing).items():
                    if isinstance(value, (classmethod, staticmethod)):
                        value = value.__func__
                    if inspect.isroutine(value) and not method.startswith("_"):
                        found.setdefault(f"{home}.{method}", None)
    return list(found)

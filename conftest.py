"""Leave the teaching app out where its extra is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("vl_convert") else ["scripts/demo/*", "tests/scripts/demo/*"]

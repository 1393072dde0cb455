"""What tests and their processes share, and no teaching app where its extra is missing."""

import os
from importlib.util import find_spec

# read when numpy or torch is first imported; idle threads of theirs would spin on cores that
# the other worker needs, which made some tests ten times as expensive
os.environ.setdefault("OMP_NUM_THREADS", "1")
# hundreds of processes are started: they need not compile the same modules each
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

collect_ignore_glob = [] if find_spec("vl_convert") else ["scripts/demo/*", "tests/scripts/demo/*"]

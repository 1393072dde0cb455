"""The browser of the demo's tests reads the report too."""

from tests.scripts.demo.conftest import browser

__all__ = ["browser"]

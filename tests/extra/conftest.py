"""The fixtures of the package's own tests, for those that need more packages."""

from tests.python.conftest import *  # noqa: F403

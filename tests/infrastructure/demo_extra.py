"""What tests with real servers need, and what they say when it is not installed."""

import importlib.util
import os

import pytest

__all__ = ["require_demo_extra"]


def require_demo_extra(*modules: str) -> None:
    """Skip the test when one of the modules is missing; in CI (environment variable `CI`) fail instead."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if not missing:
        return
    reason = f"{', '.join(missing)} not installed: pip install 'firstline[demo]'"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

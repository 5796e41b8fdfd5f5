"""Whoever answers in a triage: a language model behind an OpenAI-compatible endpoint, or plain rules.

The composition root picks one; the core sees only `worker.ports.Model`. `OpenAIModel` is imported on first use,
because the SDK costs half a second that a worker without an endpoint need not pay.
"""

from typing import TYPE_CHECKING

from worker.models.rules_model import RulesModel

if TYPE_CHECKING:
    from worker.models.openai_model import OpenAIModel

__all__ = ["OpenAIModel", "RulesModel"]


def __getattr__(name: str) -> "type[OpenAIModel]":
    if name == "OpenAIModel":
        from worker.models.openai_model import OpenAIModel  # noqa: PLC0415 - on demand: see the docstring

        return OpenAIModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

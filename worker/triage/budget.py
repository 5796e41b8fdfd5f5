"""The budget of one triage: steps, tokens, seconds and money, checked before they are spent.

A budget never interrupts; the loop asks before each step, and hands the seconds that are left to whatever may take
long.
"""

from dataclasses import dataclass, field
from typing import Final

from worker.contract.result import Ending, Spent
from worker.contract.transcript import Transcript, Usage
from worker.ports import Clock

__all__ = ["Budget", "BudgetLimits", "estimated_tokens"]

_CHARACTERS_PER_TOKEN: Final = 4
_REPLY_TOKENS: Final = 700
"""What one reply is expected to cost at most on the output side, when a step is planned."""

_RULES_STEPS: Final = 5
_RULES_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimits:
    """What one triage may cost, and the model's prices in US dollars for a million tokens."""

    max_steps: int
    max_tokens: int
    max_seconds: float
    max_us_dollars: float
    input_us_dollars_per_million: float
    output_us_dollars_per_million: float


@dataclass(slots=True)
class Budget:
    """What has been spent so far; one triage's own, for one thread."""

    limits: BudgetLimits
    clock: Clock
    _started: float = field(init=False)
    _steps: int = field(default=0, init=False)
    _usage: Usage = field(default_factory=Usage, init=False)

    def __post_init__(self) -> None:
        self._started = self.clock.monotonic_seconds()

    def seconds_left(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self.limits.max_seconds - (self.clock.monotonic_seconds() - self._started)

    def seconds_kept_back(self) -> float:
        """Seconds that a paid model does not get, so that the rules can finish: a fifth of the deadline at most."""
        return min(_RULES_SECONDS, self.limits.max_seconds / 5)

    def forbids_another_step(self, transcript: Transcript, *, is_paid: bool) -> Ending | None:
        """Return the limit that one more step would break, or None.

        Tokens and money only count for a paid model. The free rules get a few steps more, to finish what it left.
        """
        if self._steps >= self.limits.max_steps + (0 if is_paid else _RULES_STEPS):
            return Ending.STEPS_SPENT
        if self.seconds_left() <= (self.seconds_kept_back() if is_paid else 0):
            return Ending.SECONDS_SPENT
        if not is_paid:
            return None
        next_input = self._usage.input_tokens + estimated_tokens(transcript)
        next_output = self._usage.output_tokens + _REPLY_TOKENS
        if next_input + next_output > self.limits.max_tokens:
            return Ending.TOKENS_SPENT
        if self._price(next_input, next_output) > self.limits.max_us_dollars:
            return Ending.MONEY_SPENT
        return None

    def spend(self, usage: Usage) -> None:
        """Count one step and its tokens."""
        self._steps += 1
        self._usage = Usage(
            input_tokens=self._usage.input_tokens + usage.input_tokens,
            output_tokens=self._usage.output_tokens + usage.output_tokens,
        )

    def spent(self) -> Spent:
        """Return the bill so far."""
        return Spent(
            steps=self._steps,
            input_tokens=self._usage.input_tokens,
            output_tokens=self._usage.output_tokens,
            seconds=round(self.limits.max_seconds - self.seconds_left(), 3),
            us_dollars=round(self._price(self._usage.input_tokens, self._usage.output_tokens), 6),
        )

    def _price(self, input_tokens: int, output_tokens: int) -> float:
        return (
            input_tokens * self.limits.input_us_dollars_per_million
            + output_tokens * self.limits.output_us_dollars_per_million
        ) / 1_000_000


def estimated_tokens(transcript: Transcript) -> int:
    """Estimate the tokens of a prompt: four characters each, as OpenAI's help pages put it for English."""
    texts = [transcript.system, transcript.opening]
    for step in transcript.steps:
        texts += [step.reply.text, step.notice or "", *(call.arguments for call in step.reply.tool_calls)]
        texts += [observation.content for observation in step.observations]
    return sum(len(text) for text in texts) // _CHARACTERS_PER_TOKEN + 1

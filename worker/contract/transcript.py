"""The transcript: everything a model was told and said in one triage, append-only, and the journal's content.

The registry keeps each `Step` as it happens; `firstline show` prints it; a model adapter renders it for its API.
Nothing here decides anything.
"""

from enum import StrEnum

from pydantic import AwareDatetime

from worker.contract.base import Frozen
from worker.contract.observations import HealthReading
from worker.contract.result import LogFindings, Refusal, RestartRecord, Suspicion

__all__ = [
    "ModelReply",
    "News",
    "Observation",
    "Outcome",
    "Sent",
    "SentFrame",
    "Step",
    "ToolCall",
    "ToolTold",
    "Transcript",
    "Unanswered",
    "Usage",
]


class ToolCall(Frozen):
    """One call as the model wrote it: `arguments` is its raw text, which may be no JSON at all."""

    call_id: str
    name: str
    arguments: str


class Usage(Frozen):
    """Tokens of one reply, as the endpoint counted them."""

    input_tokens: int = 0
    output_tokens: int = 0


class Sent(Frozen):
    """What was sent to an endpoint in one request: enough to build the same bytes again, and to prove it.

    `left_out` are the request's options that the model does not take, `fence` what stood around data from outside.
    """

    sha256: str
    body_bytes: int
    left_out: tuple[str, ...] = ()
    fence: str = ""


class Unanswered(Frozen):
    """A request that went out, or may have, and brought no usable answer.

    `reason` completes a sentence that begins with "the endpoint", in our own words alone.
    """

    sent: Sent
    reason: str


class ToolTold(Frozen):
    """A tool as the model was told of it."""

    name: str
    description: str
    parameters: dict[str, object]


class SentFrame(Frozen):
    """What every request of one claim holds beside its steps, so that an upgrade changes nothing of what is shown."""

    model: str
    system: str
    opening: str
    tools: tuple[ToolTold, ...] = ()


class ModelReply(Frozen):
    """One answer of a model: text, tool calls, or both. `sent` is None where nothing left the machine for it.

    `unanswered` are the requests since the last answer that brought none, oldest first; whoever answers now, they were
    the language model's.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    sent: Sent | None = None
    unanswered: tuple[Unanswered, ...] = ()


class Outcome(StrEnum):
    """What became of a tool call."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"


class Observation(Frozen):
    """What a tool call brought: `content` is exactly what the model sees, the typed fields are what the guards read.

    `evidence_id` (``E1``, ``E2``, … within the incident) is set where the observation can be cited. `suspicions` are
    signs that its text tries to give instructions.
    """

    call_id: str
    tool: str
    outcome: Outcome
    content: str
    observed_at: AwareDatetime
    evidence_id: str | None = None
    health: HealthReading | None = None
    logs: LogFindings | None = None
    restart: RestartRecord | None = None
    refusal: Refusal | None = None
    escalation_summary: str | None = None
    suspicions: tuple[Suspicion, ...] = ()


class News(Frozen):
    """What has come to the incident meanwhile; `content` is exactly what the model sees of it.

    `alerts` counts everything that has come so far: attached alerts and ends of alerts; `firings` are the attached ones
    among what is new.
    """

    alerts: int
    firings: int = 0
    content: str
    suspicions: tuple[Suspicion, ...] = ()


class Step(Frozen):
    """One answer of the model with what its calls brought.

    `news` came before the answer; `notice` is the desk's reply to an answer it can't use. `frame` stands in the first
    step of a claim for which something was sent.
    """

    number: int
    model: str
    reply: ModelReply
    news: News | None = None
    observations: tuple[Observation, ...] = ()
    notice: str | None = None
    frame: SentFrame | None = None


class Transcript(Frozen):
    """The whole conversation: who the model is, the incident, the steps so far, and news that nobody answered yet.

    `fence` is drawn anew for each claim; a model sees it around everything that comes from outside.
    `opening_suspicions` are signs that the alert itself tries to give instructions.
    """

    system: str
    opening: str
    fence: str = ""
    opening_suspicions: tuple[Suspicion, ...] = ()
    steps: tuple[Step, ...] = ()
    news: News | None = None

    def with_step(self, step: Step) -> "Transcript":
        """Return the transcript with one more step, which has answered the news; the one at hand stays as it was."""
        return self.model_copy(update={"steps": (*self.steps, step), "news": None})

    def with_news(self, news: "News | None") -> "Transcript":
        """Return the transcript with news that the next answer will have seen."""
        return self.model_copy(update={"news": news})

    @property
    def alerts_seen(self) -> int:
        """How many of the alerts that came to the incident the model has been told of, or at least counted."""
        return max((step.news.alerts for step in self.steps if step.news is not None), default=0)

    @property
    def notices(self) -> int:
        """How often the model was told that its answer can't stand."""
        return sum(step.notice is not None for step in self.steps)

    @property
    def suspicions(self) -> tuple[Suspicion, ...]:
        """Every sign so far that text from outside tries to give instructions, oldest first."""
        heard = [step.news for step in self.steps if step.news is not None]
        heard += [self.news] if self.news is not None else []
        return (
            *self.opening_suspicions,
            *(suspicion for news in heard for suspicion in news.suspicions),
            *(suspicion for seen in self.observations for suspicion in seen.suspicions),
        )

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Every observation so far, oldest first."""
        return tuple(observation for step in self.steps for observation in step.observations)

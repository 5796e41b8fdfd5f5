"""Everything that can go wrong here, and what the queue does about it.

    FirstlineError
    ├── ContractError          what was sent cannot be read        → dead letter
    ├── ConfigurationError     a setting or file is wrong          → do not start
    ├── StaleClaim             another worker has the incident     → stop at once, write nothing
    ├── GuardrailUnavailable   a guard could not decide            → escalate, never act
    ├── SourceUnavailable      a health or log source is down      → an observation; the triage goes on
    │   └── OrderRefused       a restart certainly did not happen  → the outcome is known
    ├── ModelUnavailable       no usable answer from the endpoint  → the rules finish, escalate-only
    └── NotDelivered           a sink did not take a result        → again later, then the backup sink

A refusal is a value (`worker.contract.Refusal`), never an exception. SDK exceptions are translated where the
SDK is used.
"""

from worker.contract.transcript import Unanswered

__all__ = [
    "ConfigurationError",
    "ContractError",
    "FirstlineError",
    "GuardrailUnavailable",
    "ModelUnavailable",
    "NotDelivered",
    "OrderRefused",
    "SourceUnavailable",
    "StaleClaim",
]


class FirstlineError(Exception):
    """The root. Its text is one sentence for a person, with the remedy where there is one."""


class ContractError(FirstlineError):
    """A message or a stored value is not of the wire's form: it becomes a dead letter."""


class ConfigurationError(FirstlineError):
    """The process must not start: the text names every wrong setting or the file, the key and the remedy."""


class StaleClaim(FirstlineError):  # noqa: N818 - the glossary's word
    """The lease went to another worker: whoever sees this stops at once and writes nothing more."""


class GuardrailUnavailable(FirstlineError):  # noqa: N818 - the state, not an accident
    """A guard could not decide, so the answer is no, and the incident is escalated."""


class SourceUnavailable(FirstlineError):  # noqa: N818 - the state, not an accident
    """A health or log source did not answer, or answered nonsense; the text says which and how."""


class OrderRefused(SourceUnavailable):
    """The service manager said no before it did anything; every other failure of an order leaves it unknown."""


class ModelUnavailable(FirstlineError):  # noqa: N818 - the state, not an accident
    """The endpoint gave no usable answer within its tries; the text says how it failed, `unanswered` what went out."""

    def __init__(self, sentence: str, *, unanswered: tuple[Unanswered, ...] = ()) -> None:
        super().__init__(sentence)
        self.unanswered = unanswered


class NotDelivered(FirstlineError):  # noqa: N818 - the state, not an accident
    """A sink did not take a result, or nobody knows whether it did: then it `is_doubtful`.

    `is_final` says that the same again will not be taken either (a wrong key, a refused form), `final_at_try` on which
    try it is said so: it may pass before. `retry_after_seconds` is the sink's own word, where it gave one.
    """

    def __init__(
        self,
        sentence: str,
        *,
        is_final: bool = False,
        is_doubtful: bool = False,
        final_at_try: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.is_final = is_final
        self.is_doubtful = is_doubtful
        self.final_at_try = final_at_try
        self.retry_after_seconds = retry_after_seconds

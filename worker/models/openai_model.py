"""The language model: chat completions with function calling, over OpenAI's SDK, from any compatible endpoint.

Tries, pauses and bounds are decided here. The triage loop calls `reply` from up to 200 threads; whatever happens out
there, it returns in its time, with a reply or with `ModelUnavailable`. It must never show the key.

Requests go through the SDK's `client.post`, its way to any path: `chat.completions.create` walks every message and
schema on every call, and that was 45 % of a worker's CPU time. The SDK's own retries are off: they know no deadline.

The body is serialised here, not by the SDK, so that what was sent can be proved byte for byte. Around it the SDK sends
headers of transport only: `Authorization`, `Content-Type: application/json`, `Accept`, `Accept-Encoding`, `User-Agent`,
`Host`, `Connection`, `Content-Length`, and `X-Stainless-*` (SDK and Python version, operating system, machine type).
"""

import asyncio
import hashlib
import math
import random
from collections.abc import Collection, Sequence
from typing import Final

import structlog
from openai import AsyncOpenAI

from worker.contract.transcript import ModelReply, Sent, Transcript, Unanswered
from worker.errors import ModelUnavailable
from worker.models.chat_answers import read_answer
from worker.models.chat_messages import ChatRequest, body_of, chat_request, without
from worker.models.endpoint import Endpoint
from worker.models.failures import TRY_FAILURES, FailedTry, failed_try
from worker.ports import ToolSpec

__all__ = ["OpenAIModel", "pause_seconds"]

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 8.0
_NOT_WAITED_FOR: Final = "was not waited for to the end"

log = structlog.get_logger()


class OpenAIModel:
    """A language model behind an OpenAI-compatible endpoint.

    `base_url` None is OpenAI itself; `api_key` None is for servers that need none. A passing failure (408, 409, 429,
    5xx, a broken connection, silence, an unusable answer) is tried again up to `retries` times, each try bounded by
    `try_timeout_seconds`. `concurrency` is how many requests may be in flight. Close it when the worker stops.
    """

    is_llm: Final = True

    def __init__(
        self,
        name: str,
        *,
        api_key: str | None,
        base_url: str | None,
        retries: int,
        try_timeout_seconds: float,
        concurrency: int,
    ) -> None:
        self.name: Final = name
        self._api_key = api_key
        self._retries = retries
        self._try_timeout_seconds = try_timeout_seconds
        self._left_out: frozenset[str] = frozenset()
        self._endpoint = Endpoint(
            api_key=api_key, base_url=base_url, try_timeout_seconds=try_timeout_seconds, concurrency=concurrency
        )

    def reply(self, transcript: Transcript, specs: Sequence[ToolSpec], *, timeout_seconds: float) -> ModelReply:
        """Answer within `timeout_seconds`, retries and pauses included; safe from many threads at once.

        Raises `ModelUnavailable` with the endpoint's host, what went wrong, and the remedy where there is one. A
        Retry-After that does not fit into the time left raises at once. Reply and error tell of every request that
        went out.
        """
        request = chat_request(self.name, transcript, specs)
        calls_before = sum(len(step.reply.tool_calls) for step in transcript.steps)
        unanswered: list[Unanswered] = []

        async def work(client: AsyncOpenAI) -> ModelReply:
            return await self._ask(
                client,
                request,
                fence=transcript.fence,
                calls_before=calls_before,
                timeout_seconds=timeout_seconds,
                unanswered=unanswered,
            )

        try:
            return self._endpoint.run(work, timeout_seconds=timeout_seconds)
        except ModelUnavailable as failure:
            failure.unanswered = tuple(unanswered)
            raise

    def close(self) -> None:
        """End the loop thread and its connections; a `reply` in flight or after this raises `ModelUnavailable`."""
        self._endpoint.close()

    async def _ask(
        self,
        client: AsyncOpenAI,
        request: ChatRequest,
        *,
        fence: str,
        calls_before: int,
        timeout_seconds: float,
        unanswered: list[Unanswered],
    ) -> ModelReply:
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        left_out = self._left_out
        failures = 0
        while True:
            sending = without(request, left_out)
            body = body_of(sending)
            sent = _record_of(body, left_out, fence=fence)
            unanswered.append(Unanswered(sent=sent, reason=_NOT_WAITED_FOR))  # stays where this is cancelled meanwhile
            outcome = await self._try(client, sending, body, calls_before=calls_before, deadline=deadline)
            del unanswered[-1]
            if isinstance(outcome, ModelReply):
                self._left_out |= left_out  # what this model refuses, it need not refuse again
                return outcome.model_copy(update={"sent": sent, "unanswered": tuple(unanswered)})
            if outcome.may_have_left:
                unanswered.append(Unanswered(sent=sent, reason=outcome.reason_in_own_words))
            if outcome.refused_option is not None and outcome.refused_option not in left_out:
                left_out |= {outcome.refused_option}
                continue
            failures += 1
            await self._pause(outcome, failures=failures, deadline=deadline)

    async def _try(
        self, client: AsyncOpenAI, request: ChatRequest, body: bytes, *, calls_before: int, deadline: float
    ) -> ModelReply | FailedTry:
        bound_seconds = min(self._try_timeout_seconds, deadline - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(bound_seconds):
                answer = await client.post("/chat/completions", content=body, cast_to=object)
            return read_answer(answer, request=request, calls_before=calls_before)
        except TRY_FAILURES as error:
            return failed_try(error, tried_seconds=bound_seconds, api_key=self._api_key)

    async def _pause(self, failure: FailedTry, *, failures: int, deadline: float) -> None:
        left_seconds = max(deadline - asyncio.get_running_loop().time(), 0.0)
        wanted_seconds = pause_seconds(failures, failure.retry_after_seconds, chance=random.random())  # noqa: S311 - no secret
        if not failure.is_passing:
            raise self._unavailable(failure) from failure.cause
        if wanted_seconds >= left_seconds:
            request = (
                "" if (asked := failure.retry_after_seconds) is None else f" and asks for a pause of {asked:.3g} s"
            )
            shortage = f"{request}, with {left_seconds:.3g} s left"
            raise self._unavailable(failure, shortage) from failure.cause
        if failures > self._retries:
            raise self._unavailable(
                failure, f" in the last of {failures} tries" if failures > 1 else ""
            ) from failure.cause
        log.warning(
            "model.try_failed", host=self._endpoint.host, reason=failure.reason, pause_seconds=round(wanted_seconds, 2)
        )
        await asyncio.sleep(wanted_seconds)

    def _unavailable(self, failure: FailedTry, circumstance: str = "") -> ModelUnavailable:
        remedy = f": {failure.remedy}" if failure.remedy else ""
        return ModelUnavailable(f"The model endpoint {self._endpoint.host} {failure.reason}{circumstance}{remedy}.")


def _record_of(body: bytes, left_out: Collection[str], *, fence: str) -> Sent:
    digest = hashlib.sha256(body).hexdigest()
    return Sent(sha256=digest, body_bytes=len(body), left_out=tuple(sorted(left_out)), fence=fence)


def pause_seconds(failures: int, retry_after_seconds: float | None, *, chance: float) -> float:
    """Return how long to wait after the given number of failures; `chance`, from 0 to 1, spreads the herd.

    Half a second at first and twice that each time, to 8 s at most, less up to half of it by chance; or what the
    endpoint asks for, and then a little more, never less.
    """
    if retry_after_seconds is not None:
        return retry_after_seconds + _FIRST_PAUSE_SECONDS * chance / 2
    longest = min(math.ldexp(_FIRST_PAUSE_SECONDS, failures - 1), _LONGEST_PAUSE_SECONDS)
    return longest * (1 - chance / 2)

"""The triage of one incident: ask the model, run its tool calls, record the step, check the budget, conclude.

It never raises for anything that a model, a tool or a source does: every exit has a name in `Ending`. What does pass
through is a lost lease (`StaleClaim`) and a store that is gone, for then nothing more may be written.
`worker/tasks.py` calls it.
"""

from typing import Final

from worker.contract.incident import Incident
from worker.contract.result import Disposition, Ending, TriageResult
from worker.contract.transcript import ModelReply, News, SentFrame, Step, ToolTold, Transcript, Unanswered
from worker.errors import ModelUnavailable
from worker.ports import Clock, Journal, Model
from worker.triage.budget import Budget
from worker.triage.conclusion import (
    Conclusion,
    conclusion_of,
    held_back,
    is_recovered,
    last_restart,
    objection_to,
    proposed,
)
from worker.triage.news import news_of, suspicions_of
from worker.triage.report import Assignment, result_of
from worker.triage.toolbox import Toolbox

__all__ = ["Triage"]

_NOTICES: Final = 2
"""How often a model is told that its answer can't stand, before the rules take over."""

_SECOND_LOOKS: Final = 2
"""How often a good end is looked at again because alerts came after it; then an engineer has to look."""

_NO_ANSWER: Final = "No answer came."


class Triage:
    """One bounded investigation; made for one incident, run once, in one thread."""

    def __init__(
        self,
        assignment: Assignment,
        *,
        model: Model,
        rules: Model,
        toolbox: Toolbox,
        budget: Budget,
        journal: Journal,
        transcript: Transcript,
        clock: Clock,
    ) -> None:
        """Take over an incident; `transcript` holds the steps that an earlier delivery has journalled, if any."""
        self._assignment = assignment
        self._model = model
        self._rules = rules
        self._toolbox = toolbox
        self._budget = budget
        self._journal = journal
        self._transcript = transcript
        self._clock = clock
        self._started_at = clock.now()
        self._second_looks = 0
        self._is_frame_recorded = False
        self._unanswered: tuple[Unanswered, ...] = ()
        for step in transcript.steps:
            budget.spend(step.reply.usage)

    def run(self) -> TriageResult:
        """Investigate until a conclusion, or until the budget is spent; return the result."""
        try:
            model, conclusion = self._model, self._converse(self._model, self._toolbox)
        except _AnswerNotUsable as failure:
            model, conclusion = self._rules, self._finish_by_rules(failure)
        self._record_what_no_step_told()
        return result_of(
            self._assignment,
            conclusion=proposed(held_back(conclusion, self._transcript), self._transcript),
            transcript=self._transcript,
            model=model,
            spent=self._budget.spent(),
            started_at=self._started_at,
            finished_at=self._clock.now(),
        )

    def _converse(self, model: Model, toolbox: Toolbox) -> Conclusion:
        while (conclusion := self._conclusion()) is None:
            ending = self._budget.forbids_another_step(self._transcript, is_paid=model.is_llm)
            if ending is not None and model.is_llm:
                raise _AnswerNotUsable(ending, f"The model's budget is spent ({ending.replace('_', ' ')}).")
            if ending is not None:
                return self._out_of_budget(ending)
            self._take_step(model, toolbox)
        return conclusion

    def _conclusion(self) -> Conclusion | None:
        """Return the transcript's conclusion; a good end that alerts came after is looked at again first."""
        self._hear_news()
        conclusion = conclusion_of(self._transcript)
        news = self._transcript.news
        if conclusion is None or conclusion.disposition is Disposition.ESCALATED or news is None or not news.firings:
            return conclusion
        if self._second_looks == _SECOND_LOOKS:
            summary = f"Alerts kept coming after each look; the last one said: {conclusion.summary}"
            return Conclusion(disposition=Disposition.ESCALATED, ending=Ending.ALERTS_KEPT_COMING, summary=summary)
        self._second_looks += 1
        return None

    def _hear_news(self) -> None:
        """Let the next answer see the alerts that came to the incident since the last."""
        came = self._journal.alerts_that_came
        new = came - max(self._transcript.alerts_seen, self._transcript.news.alerts if self._transcript.news else 0)
        if new > 0:
            newest = self._journal.newest_alerts()[:new]
            firings = sum(isinstance(alert, Incident) for alert in newest)
            content = news_of(newest, new=new)
            news = News(alerts=came, firings=firings, content=content, suspicions=suspicions_of(newest))
            self._transcript = self._transcript.with_news(news)

    def _take_step(self, model: Model, toolbox: Toolbox) -> None:
        reply = self._ask(model, toolbox)
        self._budget.spend(reply.usage)
        number = len(self._transcript.steps) + 1
        step = Step(number=number, model=model.name, reply=reply, news=self._transcript.news)
        for call in reply.tool_calls:
            if self._budget.seconds_left() <= 0:
                break
            seen = toolbox.run(call, self._transcript.with_step(step))
            step = step.model_copy(update={"observations": (*step.observations, seen)})
            if seen.escalation_summary is not None:
                break
        objection = objection_to(step, self._transcript)
        step = step.model_copy(update={"notice": objection and objection.notice})
        self._record(step)
        self._transcript = self._transcript.with_step(step)
        if objection is not None and self._transcript.notices >= _NOTICES:
            raise _AnswerNotUsable(objection.ending, f"The model's last word could not stand: {objection.notice}")

    def _record(self, step: Step) -> None:
        """Journal a step; with the first for which something was sent, what all requests of this claim hold."""
        if (step.reply.sent or step.reply.unanswered) and not self._is_frame_recorded:
            step = step.model_copy(update={"frame": _frame_of(self._model, self._transcript, self._toolbox)})
        self._journal.record(step)
        self._is_frame_recorded |= step.frame is not None

    def _record_what_no_step_told(self) -> None:
        """Journal the requests that brought no answer where the triage ended before anybody answered after them."""
        if self._unanswered:
            reply = ModelReply(unanswered=self._unanswered)
            number, news = len(self._transcript.steps) + 1, self._transcript.news
            self._record(Step(number=number, model=self._model.name, reply=reply, news=news, notice=_NO_ANSWER))

    def _ask(self, model: Model, toolbox: Toolbox) -> ModelReply:
        seconds = self._budget.seconds_left() - (self._budget.seconds_kept_back() if model.is_llm else 0.0)
        try:
            reply = model.reply(self._transcript, toolbox.specs, timeout_seconds=max(seconds, 0.1))
        except ModelUnavailable as failure:
            self._unanswered += failure.unanswered
            raise _AnswerNotUsable(Ending.MODEL_UNAVAILABLE, str(failure)) from failure
        unanswered, self._unanswered = (*self._unanswered, *reply.unanswered), ()
        return reply.model_copy(update={"unanswered": unanswered})

    def _finish_by_rules(self, failure: "_AnswerNotUsable") -> Conclusion:
        """Let the rules read what is missing and hand over. They can't restart, and they can't close the incident."""
        try:
            conclusion = self._converse(self._rules, self._toolbox.without("restart_service"))
        except _AnswerNotUsable:
            conclusion = self._out_of_budget(failure.ending)
        if conclusion.disposition is Disposition.RECOVERED:
            return Conclusion(disposition=conclusion.disposition, ending=failure.ending, summary=conclusion.summary)
        return Conclusion(
            disposition=Disposition.ESCALATED,
            ending=failure.ending,
            summary=f"{failure.why} The rules finished, without the right to restart: {conclusion.summary}",
        )

    def _out_of_budget(self, ending: Ending) -> Conclusion:
        restart = last_restart(self._transcript.observations)
        if restart is not None and is_recovered(self._transcript.observations):
            return Conclusion(disposition=Disposition.RECOVERED, ending=ending, summary=restart.detail)
        return Conclusion(
            disposition=Disposition.ESCALATED,
            ending=ending,
            summary=f"The triage was stopped before a conclusion ({ending.replace('_', ' ')}).",
        )


def _frame_of(model: Model, transcript: Transcript, toolbox: Toolbox) -> SentFrame:
    tools = (
        ToolTold(name=spec.name, description=spec.description, parameters=dict(spec.parameters))
        for spec in toolbox.specs
    )
    return SentFrame(model=model.name, system=transcript.system, opening=transcript.opening, tools=tuple(tools))


class _AnswerNotUsable(Exception):  # noqa: N818 - never leaves this module
    """The model is out; the rules finish."""

    def __init__(self, ending: Ending, why: str) -> None:
        super().__init__(why)
        self.ending = ending
        self.why = why if why.endswith((".", "!", "?")) else f"{why}."

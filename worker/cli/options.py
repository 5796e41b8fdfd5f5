"""Options that several commands share."""

from typing import Annotated

import typer

from worker.cli.words import WORD_LIMIT, one_line

__all__ = ["AsJson", "Because", "Note", "Why", "WhyRevealed", "Words"]


def _reason(text: str | None) -> str | None:
    if text is None:
        return None
    said = one_line(text)
    if not text.strip():
        raise typer.BadParameter("say why: it is kept, and the next person reads it")
    if len(said) > WORD_LIMIT:
        raise typer.BadParameter(f"say it in {WORD_LIMIT} characters: this has {len(said)}")
    return said


WhyRevealed = Annotated[str | None, typer.Option("--why", help="The reason; it is kept.", callback=_reason)]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept.", callback=_reason)]
Because = Annotated[str, typer.Option("--because", help="What was wrong; it is kept.", callback=_reason)]
Note = Annotated[str, typer.Option("--note", help="What it was, and what was done; it is kept.", callback=_reason)]
Words = Annotated[str, typer.Argument(help="The words; they are kept.", callback=_reason)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output, for pipes.")]

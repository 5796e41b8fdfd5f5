"""The commands `firstline audit` and `firstline feedback`; what they do stands in `audit_log.py` and `feedback.py`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import AsJson
from worker.settings import load_redis_settings

if TYPE_CHECKING:
    from worker.registry.audit import Place

__all__ = ["audit", "feedback"]

audit = typer.Typer(help="The audit log: who decided, did and saw what, and whether that log is whole.")
feedback = typer.Typer(help="What engineers say of the desk: how often it was right, and why it was wrong.")

_Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="In UTC.")]


@audit.command()
def verify(
    anchor: Annotated[
        list[str] | None,
        typer.Option(metavar="SEQ:HASH", help="A place that you kept; tells a cut end. May be given several times."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry's hash and place; the first broken one is named, and the exit code is 1."""
    from worker.cli.audit_log import verify as verify_log
    from worker.registry.audit import Place

    try:
        anchors = [Place.read(text) for text in anchor or []]
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="--anchor") from None
    if (twice := _contradiction(anchors)) is not None:
        raise typer.BadParameter(f"two anchors of entry {twice} contradict each other", param_hint="--anchor")
    verify_log(load_redis_settings(), anchors, as_json=as_json)


def _contradiction(anchors: "list[Place]") -> int | None:
    kept: dict[int, Place] = {}
    return next((each.sequence for each in anchors if kept.setdefault(each.sequence, each) != each), None)


@audit.command()
def export(
    since: _Moment = None,
    until: _Moment = None,
    incident: Annotated[str | None, typer.Option(metavar="ID", help="Only what tells of this incident.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, safe to open in a spreadsheet.")] = False,
    as_json: AsJson = True,
) -> None:
    """Print entries, oldest first, as JSON lines or CSV; the anchor to keep elsewhere ends standard error.

    Example: firstline audit export > audit.jsonl 2> anchor
    """
    from worker.cli.audit_log import export as export_log
    from worker.cli.audit_log import selection

    chosen = selection(since=since, until=until, incident_id=incident)
    export_log(load_redis_settings(), chosen, as_csv=as_csv or not as_json)


@feedback.callback(invoke_without_command=True)
def show_feedback(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the share of right by model, rules or language model, prompts, disposition and ending.

    Behind each share stands between which two the true one lies with 95 %: few words make that wide.
    """
    if context.invoked_subcommand is not None:
        return
    from worker.cli.feedback import show_figures

    show_figures(load_redis_settings(), as_json=as_json)


@feedback.command("export")
def export_words() -> None:
    """Print each person's last word on each incident with what it judges, one JSON object a line."""
    from worker.cli.feedback import export_feedback

    export_feedback(load_redis_settings())

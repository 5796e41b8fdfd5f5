"""The command `firstline show`; what it does stands in `show.py`."""

from typing import Annotated

import typer

from worker.cli.options import AsJson, WhyRevealed
from worker.settings import load_settings

__all__ = ["show"]


def show(
    incident_id: Annotated[
        str, typer.Argument(help="The id that `submit` printed, or of what waits its first 12 characters.")
    ],
    as_json: AsJson = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="With real addresses, hosts and names; it is written down who saw them.")
    ] = False,
    why: WhyRevealed = None,
    sent: Annotated[
        bool,
        typer.Option(
            "--sent", help="The requests recorded as sent to the model, one a line; only what its hash proves."
        ),
    ] = False,
    only_step: Annotated[
        int | None, typer.Option("--step", help="With --sent: the requests of this step only.")
    ] = None,
) -> None:
    """Show one incident whole: what the model saw and said, what each tool answered, why a guard allowed or refused.

    It is shown masked. Example: firstline show inc-… --reveal --why "to reach the host by hand"
    """
    from worker.cli.queue_ids import whole_id
    from worker.cli.show import show_incident

    if only_step is not None and not sent:
        raise typer.BadParameter("--step goes with --sent")
    if sent and (as_json or reveal):
        raise typer.BadParameter("--sent shows the bytes as they went out: it goes without --json and --reveal")
    if reveal != (why is not None):
        raise typer.BadParameter("--reveal and --why go together: say why real values are needed")
    settings = load_settings()
    incident_id = whole_id(settings, incident_id)
    if sent:
        from worker.cli.show_sent import show_sent

        raise typer.Exit(0 if show_sent(settings, incident_id, only_step=only_step) else 1)
    show_incident(settings, incident_id, as_json=as_json, reveal_why=why)

"""The commands of `firstline`, their help, and how each failure reads: one sentence with the remedy, and an exit code.

0  done
1  done, but not everything: some lines were rejected, or what was asked for does not exist
2  a setting, a file or an argument is wrong; nothing was started
3  Redis can't be reached, or it refuses; the sentence says what is known of what was asked
130  interrupted
"""

import io
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from worker.cli.approvals_commands import approve, proposals, reject
from worker.cli.audit_commands import audit, feedback
from worker.cli.dead_letters_commands import dead_letters
from worker.cli.escalations_command import escalations
from worker.cli.failures import EXIT_CONFIGURATION, EXIT_INCOMPLETE, EXIT_INTERRUPTED, told
from worker.cli.inventory_commands import inventory
from worker.cli.options import AsJson
from worker.cli.queue_commands import queue
from worker.cli.redact_command import redact
from worker.cli.restarts_commands import halt, resolve, resume
from worker.cli.rules_in_force import take_rules
from worker.cli.show_command import show
from worker.contract.text import visible
from worker.errors import FirstlineError
from worker.settings import load_settings

__all__ = ["app", "run"]

_EPILOG: Final = (
    "Exit codes: 0 done; 1 refused, incomplete, or found wrong; 2 a setting, file or argument is wrong; 3 Redis can't "
    "be reached, or it refuses; 130 interrupted. Settings come from the environment and from .env; .env.example lists "
    "them all."
)

app = typer.Typer(
    name="firstline",
    help="A Level-1 operations desk: alerts in, one bounded restart or a cited escalation out.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(dead_letters, name="dead-letters")
app.add_typer(inventory, name="inventory")
app.add_typer(queue, name="queue")
app.add_typer(feedback, name="feedback")
app.add_typer(audit, name="audit")


@app.command()
def demo(
    keep_running: Annotated[
        bool, typer.Option("--keep-running", help="Leave everything running afterwards, until Ctrl-C, to try it out.")
    ] = False,
) -> None:
    """Watch the main job on this machine: sick servers, a queue, a worker, escalations. No key, no Redis, no Docker.

    Starts its own Valkey, six real processes under supervisord of which five are in trouble, a worker and the
    escalation consumer; submits seven incidents, shows the progress, and ends with a table. Takes under a minute and
    leaves nothing behind. With OPENAI_API_KEY or OPENAI_BASE_URL set, that model investigates instead of the rules.
    """
    from worker.demo import run_demo

    raise typer.Exit(run_demo(keep_running=keep_running))


@app.command()
def submit(
    text: Annotated[str | None, typer.Argument(help="What is wrong, in words, or one alert as JSON.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="Alerts, one a line (JSON or words), or a JSON array; - reads standard input."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take alerts in, and print a verdict for each: accepted, attached, duplicate, full, or rejected with the reason.

    `accepted` means that it is written down durably and will yield a result; `attached`, that it is counted with the
    incident that its server has already. A bad line is reported with its number and
    stops no other. An alert with a `timestamp` can be sent again: what is known already is answered as duplicate.
    Words, and alerts without one, are a new incident each time.

    Examples: firstline submit "The payment-server-01 is slow."   ·   firstline submit --file alerts.jsonl
    """
    from producers.settings import load_producer_settings
    from worker.cli.submit import submit_file, submit_text

    if (text is None) == (file is None):
        raise typer.BadParameter("give either a text or --file, not both and not neither")
    settings = load_producer_settings()
    is_whole = (
        submit_text(settings, text, as_json=as_json)
        if text is not None
        else submit_file(settings, file or Path("-"), as_json=as_json)
    )
    raise typer.Exit(0 if is_whole else EXIT_INCOMPLETE)


@app.command()
def intake(
    host: Annotated[str | None, typer.Option(help="Listen on this address; 0.0.0.0 is every one.")] = None,
    port: Annotated[int | None, typer.Option(help="Listen on this port; 0 takes a free one.", min=0, max=65535)] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Ask nobody for credentials; on this machine's loopback only.")
    ] = False,
    spool: Annotated[
        Path | None, typer.Option(help="Keep alerts in this directory first, so that Redis may be away for a while.")
    ] = None,
) -> None:
    """Take alerts in over HTTP until SIGTERM: POST /v1/alerts/alertmanager, and so on; /openapi.json lists all.

    Each alert is answered for itself, and only what is durable is answered with yes. 503 means: keep them, and send the
    same again. Senders prove who they are with a token (FIRSTLINE_INTAKE_TOKENS) or a signature (the intake file);
    without any credential it does not start.

    On SIGTERM or Ctrl-C it accepts nothing more, answers what it has within 10 s, and exits with 0.
    """
    from producers.settings import load_producer_settings
    from worker.cli.intake import run_intake

    given = {"intake_host": host, "intake_port": port, "intake_spool": spool}
    settings = load_producer_settings(**{name: value for name, value in given.items() if value is not None})
    run_intake(settings, is_insecure=insecure)


@app.command()
def worker(
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", min=1, max=400, help="Triages at once in this process.")
    ] = None,
) -> None:
    """Run one worker process until SIGTERM; running triages are finished first.

    A second SIGTERM or Ctrl-C, or one SIGQUIT, ends it at once; other workers take up what it had, after its lease of
    30 s. The same as `celery -A worker worker`, with every setting checked before it starts. Run one process a core.

    Exit codes of its own: 0 after SIGTERM, 1 after Ctrl-C or a failure, 128 + the signal's number when it left at once.
    """
    from worker.cli.worker import run_worker

    run_worker(load_settings(**({"worker_concurrency": concurrency} if concurrency else {})))


PollInterval = Annotated[float, typer.Option("--interval", min=0.5, max=86_400, help="Seconds from round to round.")]


@app.command()
def poll(
    alertmanager: Annotated[
        str | None, typer.Option(metavar="URL", help="Take what fires in this Alertmanager, 0.16 or newer.")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Take what fires in this Prometheus; only without Alertmanager.")
    ] = None,
    interval: PollInterval = 30,
    once: Annotated[bool, typer.Option("--once", help="Take what fires now, then stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take in what fires in Alertmanager or Prometheus, for those who can't configure a webhook.

    Silenced, inhibited and pending alerts are left alone. Polling beside the webhook, two pollers and a poller that
    restarts give no duplicates; poll Prometheus or its Alertmanager, not both. What has gone is told as over, but not
    what went while no poller ran.

    Credentials: FIRSTLINE_POLL_TOKEN, or FIRSTLINE_POLL_USER and FIRSTLINE_POLL_PASSWORD.

    Example: firstline poll --alertmanager http://alertmanager:9093
    """
    from worker.cli.poll import run_poll

    if (alertmanager is None) == (prometheus is None):
        raise typer.BadParameter("give either --alertmanager or --prometheus, not both and not neither")
    is_whole = run_poll(
        alertmanager=alertmanager, prometheus=prometheus, interval_seconds=interval, once=once, as_json=as_json
    )
    raise typer.Exit(0 if is_whole else EXIT_INCOMPLETE)


@app.command()
def watch(
    prometheus: Annotated[str, typer.Option(metavar="URL", help="The Prometheus that has the data.")],
    trends: Annotated[Path, typer.Option(metavar="FILE", help="What is watched: see deploy/trends.example.toml.")],
    interval: PollInterval = 60,
    once: Annotated[bool, typer.Option("--once", help="Judge every trend now, then stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell trends before they are failures: memory that only rises, a disk that fills, errors, restarts.

    Each becomes an incident of the kind `trend`, once in the time that the file gives, however many watchers there are:
    it is diagnosed and escalated, and nothing is ever restarted for it.

    Example: firstline watch --prometheus http://prometheus:9090 --trends deploy/trends.toml
    """
    from worker.cli.watch import run_watch

    is_whole = run_watch(prometheus=prometheus, trends=trends, interval_seconds=interval, once=once, as_json=as_json)
    raise typer.Exit(0 if is_whole else EXIT_INCOMPLETE)


app.command()(escalations)
app.command()(show)
app.command()(redact)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the queues, the open incidents, the restart locks, the kill switch and the workers that live."""
    from worker.cli.status import show_status

    show_status(load_settings(), as_json=as_json)


for command in (halt, resume, resolve, approve, reject, proposals):
    app.command()(command)


def run() -> None:
    """Run one command; every failure that a person can mend reads as one sentence. Logs go to standard error."""
    from redis.exceptions import RedisError

    from producers.intake import IntakeUnavailable
    from producers.settings import ProducerConfigurationError

    _make_streams_safe()
    try:
        from worker.logs import configure_logging

        configure_logging("WARNING")
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if (warning := take_rules(sys.argv[1:])) is not None:
            _say(warning)
        app()
    except (FirstlineError, IntakeUnavailable, RedisError) as error:
        _fail(*told(error))
    except ProducerConfigurationError as error:
        _fail(str(error), EXIT_CONFIGURATION)
    except BrokenPipeError:
        # The reader has gone; without this the interpreter would complain once more while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_INCOMPLETE)
    except (OSError, UnicodeError) as error:
        _fail(f"{type(error).__name__}: {error}", EXIT_INCOMPLETE)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _make_streams_safe() -> None:
    """Write what a terminal's encoding does not have as escapes, and into nothing where a stream was closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        elif stream is None:
            setattr(sys, name, io.TextIOWrapper(io.FileIO(os.open(os.devnull, os.O_WRONLY), "w")))


def _fail(sentence: str, code: int) -> None:
    _say(sentence)
    sys.exit(code)


def _say(sentence: str) -> None:
    from worker.redaction import FAILURES_MASKER

    sys.stderr.write(f"firstline: {FAILURES_MASKER.checked(visible(sentence))}\n")

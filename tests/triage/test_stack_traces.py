"""A stack trace is one row of lines with its error line, whatever wrote it and whatever stands before each line."""

from itertools import pairwise

import pytest

from worker.triage.log_signs import signs_of
from worker.triage.stack_traces import Trace, traces_in

PYTHON = """ERROR request failed
Traceback (most recent call last):
  File "/app/x.py", line 3, in f
    g()
    ^^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/y.py", line 9, in h
    raise Bad("no")
app.errors.Bad: no"""
JAVA = """ERROR [main] c.a.Foo - request failed
java.lang.IllegalStateException: boom
\tat c.a.Foo.bar(Foo.java:12)
Caused by: java.io.IOException: disk
\tat c.a.Io.read(Io.java:1)
\t... 12 more"""
GO = """panic: runtime error: index out of range [5] with length 3 [recovered]
\tpanic: again
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]

goroutine 1 [running]:
main.handle(0xc000010000, 0x5)
\t/app/main.go:12 +0x1d
main.(*Server).Run(...)
\t/app/main.go:20
created by main.main in goroutine 1
\t/app/main.go:30 +0x2

goroutine 6 [select]:
net/http.(*Server).Serve(0x1)
\t/go/server.go:1 +0x3
exit status 2"""
NODE = """TypeError: Cannot read properties of undefined (reading 'x')
    at handle (/app/x.js:3:5)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  code: 'X'
}"""
DOTNET = """Unhandled exception. System.InvalidOperationException: outer
 ---> System.IO.IOException: inner
   at App.Program.Read() in /app/Program.cs:line 5
   --- End of inner exception stack trace ---
   at App.Program.Main(String[] args) in /app/Program.cs:line 9"""
RUST = """thread 'main' panicked at src/main.rs:2:5:
called `Result::unwrap()` on an `Err` value
stack backtrace:
   0: rust_begin_unwind
             at /rustc/x/library/std/src/panicking.rs:645:5
   1: core::panicking::panic_fmt
note: Some details are omitted, run with `RUST_BACKTRACE=full`"""
PREFIXES = (
    "",
    "2026-11-27T08:35:39.123456+0000 web[12]: ",
    "Nov 27 08:35:39 web-01 web[12]: ",
    "2026-11-27T08:35:39.123456789Z ",
    "2026-11-27T08:35:39.123456789Z stderr F ",
)


def traces_of(lines: list[str]) -> list[Trace]:
    return traces_in(lines, [sign is not None for sign in signs_of(lines)])


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("text", [PYTHON, JAVA, GO, NODE, DOTNET, RUST])
def test_a_trace_is_found_whole_between_other_lines(text: str, prefix: str) -> None:
    trace = text.split("\n")
    lines = [prefix + line for line in ("INFO before", *trace, "INFO between", *trace, "INFO after")]
    first, second = traces_of(lines)
    assert first.places == tuple(range(1, 1 + len(trace)))
    assert second.places == tuple(range(2 + len(trace), 2 + 2 * len(trace)))


def test_a_long_trace_keeps_both_ends_and_its_causes() -> None:
    frames = [f"\tat a.B.c{number}(B.java:{number})" for number in range(300)]
    lines = ["ERROR x", *frames[:150], "Caused by: java.io.IOException: disk", *frames[150:]]
    (trace,) = traces_of(lines)
    kept = trace.shortened(8)
    assert kept == [*range(8), 151, 152, *range(294, 302)]
    assert sum(other > one + 1 for one, other in pairwise(kept)) == 2


def test_what_only_names_an_error_is_no_trace() -> None:
    assert traces_of(["ERROR java.io.IOException: disk", "INFO at last", "panic: it alone", "INFO  at noon"]) == []


FRAMES = [f"\tat c.a.Foo.m{number}(Foo.java:{number})" for number in range(6)]


def test_frames_between_other_lines_belong_to_the_error_before_them_and_make_no_error_of_those() -> None:
    parts = ["ERROR [t1] failed", "com.acme.ABoom: a", *FRAMES, "Caused by: java.ARoot: root", "\tat x.Y.z(Y.java:1)"]
    lines = ["INFO before"]
    for number, part in enumerate(parts):
        lines += [part, f"2026-11-27 09:00:0{number % 10} INFO heartbeat ok {number}", "DEBUG cache hit"]
    (trace,) = traces_of(lines)
    assert [lines[place] for place in trace.places] == parts
    assert [lines[place] for place in trace.causes] == ["Caused by: java.ARoot: root"]


def test_frames_without_any_error_before_them_are_alone() -> None:
    (trace,) = traces_of(["INFO fine"] * 30 + FRAMES)
    assert trace.places == tuple(range(30, 36))


def test_frames_far_from_a_trace_are_not_of_it() -> None:
    first, second = traces_of(["ERROR x", *FRAMES, *["INFO fine"] * 30, *FRAMES])
    assert (first.start, second.start) == (0, 37)


@pytest.mark.parametrize("prefix", ["web-1  | ", "[2026-11-27 09:00:00,123: ERROR/MainProcess] "])
def test_prefixes_of_compose_and_celery_are_looked_through(prefix: str) -> None:
    (trace,) = traces_of([prefix + line for line in PYTHON.split("\n")])
    assert len(trace.places) == len(PYTHON.split("\n"))


RUBY = """app.rb:3:in `foo': ruby boom (RuntimeError)
\tfrom app.rb:6:in `bar'
\tfrom app.rb:9:in `<main>'"""
PHP = """PHP Fatal error:  Uncaught Exception: php boom in /a.php:3
Stack trace:
#0 /a.php(9): foo()
#1 {main}
  thrown in /a.php on line 3"""


@pytest.mark.parametrize("text", [RUBY, PHP])
def test_traces_of_ruby_and_php_are_whole(text: str) -> None:
    (trace,) = traces_of(["INFO before", *text.split("\n"), "INFO after"])
    assert trace.places == tuple(range(1, 1 + len(text.split("\n"))))

"""The trends file: what is shipped is valid, and every mistake is named with its key and remedy, all at once."""

from pathlib import Path

import pytest

from producers.settings import ProducerConfigurationError
from producers.trends.file import HeldTrend, LinearTrend, Worse, read_trends
from worker.contract import Severity

EXAMPLE = Path(__file__).parents[2] / "deploy" / "trends.example.toml"
LINEAR = {
    "kind": '"linear"',
    "query": '"memory"',
    "limit": "95",
    "worse": '"above"',
    "text": '"$server $value $limit $time_left"',
}
HELD = {"kind": '"above"', "query": '"errors"', "limit": "2", "text": '"$server $value $limit"'}


def written(folder: Path, fields: dict[str, str], *, name: str = "t") -> Path:
    path = folder / "trends.toml"
    lines = [f"[trends.{name}]", *(f"{key} = {value}" for key, value in fields.items())]
    path.write_text("\n".join(lines))
    return path


def mistake_in(path: Path) -> str:
    with pytest.raises(ProducerConfigurationError) as failure:
        read_trends(path)
    assert str(path) in str(failure.value)
    return str(failure.value)


def test_the_example_has_the_four_trends_that_come_before_most_failures() -> None:
    trends = {trend.name: trend for trend in read_trends(EXAMPLE)}
    assert {name: trend.kind for name, trend in trends.items()} == {
        "memory-runs-out": "linear",
        "disk-fills": "linear",
        "error-rate": "above",
        "restarts-per-hour": "above",
    }


def test_what_is_left_out_has_sensible_defaults(tmp_path: Path) -> None:
    (linear,) = read_trends(written(tmp_path, LINEAR))
    assert isinstance(linear, LinearTrend)
    assert (linear.window_seconds, linear.within_seconds, linear.step) == (3600, 14400, 60)
    assert (linear.severity, linear.again_after_seconds) == (Severity.WARNING, 21600)
    (held,) = read_trends(written(tmp_path, HELD | {"kind": '"below"'}))
    assert isinstance(held, HeldTrend)
    assert (held.for_seconds, held.step, held.worse) == (300, 15, Worse.BELOW)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": '"sideways"'}, 'trends.t: `kind` must be "linear", "above" or "below"'),
        ({"limit": '"high"'}, "trends.t.limit: "),
        ({"limit": "nan"}, "trends.t.limit: "),
        ({"worse": '"left"'}, "trends.t.worse: "),
        ({"severity": '"p9"'}, "trends.t.severity: "),
        ({"query": '"  "'}, "trends.t.query: "),
        ({"querry": '"x"'}, "trends.t.querry: unknown key"),
        ({"for_seconds": "5"}, "trends.t.for_seconds: unknown key"),
        ({"window_seconds": "0"}, "trends.t.window_seconds: "),
        ({"window_seconds": "60"}, "`within_seconds` is more than 6 times"),
        ({"step_seconds": "600"}, "fewer than 20 steps"),
        ({"again_after_seconds": "1"}, "trends.t.again_after_seconds: "),
        ({"text": '"$server $value $limit"'}, "does not tell $time_left"),
        ({"text": '"$server $value $limit $time_left $secret"'}, "$secret, which stands for nothing"),
        ({"text": '"$server $value $limit $time_left 5$"'}, "write $$"),
        ({"server_label": '"a b"'}, "trends.t.server_label: "),
    ],
)
def test_a_mistake_is_named_with_file_key_and_remedy(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    assert words in mistake_in(written(tmp_path, LINEAR | changes))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "trends.toml"
    path.write_text('[trends.A]\nkind = "above"\n[trends.b]\nkind = "linear"\nlimit = "x"\n[other]\n')
    said = mistake_in(path)
    for words in (
        "trends.A: a name has lower-case",
        "trends.A.query: is missing",
        "trends.b.limit: ",
        "other: unknown",
    ):
        assert words in said


@pytest.mark.parametrize("content", ["", "trends = 1", "[trends]", "trends = [1]", "[trends]\nx = 1"])
def test_a_file_without_a_trend_is_a_mistake(tmp_path: Path, content: str) -> None:
    path = tmp_path / "trends.toml"
    path.write_text(content)
    assert "trends" in mistake_in(path)


def test_a_file_that_is_not_there_or_no_toml_is_named_with_the_remedy(tmp_path: Path) -> None:
    assert "copy deploy/trends.example.toml" in mistake_in(tmp_path / "nowhere.toml")
    path = tmp_path / "trends.toml"
    path.write_bytes(b"\xff")
    assert "is not TOML" in mistake_in(path)
    path.write_text("[trends")
    assert "is not TOML" in mistake_in(path)

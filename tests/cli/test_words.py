"""Text from outside on a terminal: visible, and on its line."""

from worker.cli.words import folded, one_line


def test_a_text_from_outside_is_one_line_without_controls() -> None:
    assert one_line("a\x1b[2J\nworkers    99 alive\r\n\u202eb\udcff") == r"a\x1b[2J workers 99 alive \u202eb\udcff"


def test_the_further_lines_of_a_text_stand_to_the_right() -> None:
    assert [line[:1] for line in folded("a\nsha256 x").splitlines()] == ["a", " "]

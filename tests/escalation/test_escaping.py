"""Whatever text is put in, the medium acts on none of it."""

import csv
import io
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.escalation.escaping import (
    code,
    for_csv,
    for_html,
    for_mail,
    for_mail_header,
    for_markdown,
    for_slack,
    for_terminal,
)

NASTY = st.text(st.one_of(st.sampled_from("<>&\"'!@#*_~`=+-|%\r\n\t\x1b\u202e\u200b:/."), st.characters()), max_size=60)


class Elements(HTMLParser):
    """Collects what is no text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(NASTY)
def test_a_terminal_is_given_no_control_character(text: str) -> None:
    acted_on = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert all(letter in "\n\t" or unicodedata.category(letter) not in acted_on for letter in for_terminal(text))


@given(NASTY)
def test_slack_is_given_no_mention_link_or_format(text: str) -> None:
    shown = for_slack(text)
    assert "<" not in shown
    assert ">" not in shown
    assert all(
        f"{mark}{letter}" not in shown for mark in "@#*_~`" for letter in "abcdefghijklmnopqrstuvwxyz!" if mark != "_"
    )


def test_slack_says_channel_without_calling_it() -> None:
    assert for_slack("<!channel>") == "&lt;!channel&gt;"
    assert "@here" not in for_slack("@here")
    assert "https://" not in for_slack("https://evil.example/x")


@given(NASTY)
def test_html_is_given_text_and_no_element(text: str) -> None:
    page = Elements()
    page.feed(f'<p title="{for_html(text)}">{for_html(text)}</p>')
    page.close()
    assert page.found == ["p"]


@given(NASTY)
def test_a_mail_header_is_given_one_line(text: str) -> None:
    assert not {"\r", "\n", "\0"} & set(for_mail_header(text))


def test_a_mail_header_is_given_no_encoded_word_and_all_its_letters() -> None:
    assert for_mail_header("=?utf-8?q?=0d=0a?= ==?") == "=\u2060?utf-8?q?=0d=0a?= ==\u2060?"


@pytest.mark.parametrize("escape", [for_mail, for_html])
def test_a_mail_is_given_text_without_links(escape: Callable[[str], str]) -> None:
    assert escape("see https://evil.example/x\nor WWW.evil.example") == (
        "see https\u2060://evil.example/x\nor WWW\u2060.evil.example"
    )


@given(NASTY)
def test_a_spreadsheet_is_given_no_formula_and_the_whole_text(text: str) -> None:
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerow([for_csv(text), "next"])
    sheet.seek(0)
    [(field, further)] = list(csv.reader(sheet))
    assert further == "next"
    assert not field.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("*bold* _it_ `x`", "\\*bold\\* \\_it\\_ \\`x\\`"),
        ("[a](http://evil.example)", "\\[a\\](http\u2060://evil.example)"),
        ("<b>&lt;", "\\<\u2060b\\>\\&lt;"),
        ("# heading\n\n> quote", "\\#\u2060 heading \\> quote"),
        ("1. one", "1\\. one"),
        ("- item", "\\- item"),
        ("@everyone", "@\u2060everyone"),
        ("CPU 97.6 %, payments-db:5432", "CPU 97.6 %, payments-db:5432"),
    ],
)
def test_markdown_finds_neither_markup_nor_links_nor_mentions_in_a_line(text: str, escaped: str) -> None:
    assert for_markdown(text) == escaped


@pytest.mark.parametrize("text", ["db-1.prod.example.com:5432", "CPU 97.6 %", "payments_db.internal"])
def test_hosts_and_figures_can_be_copied_from_slack(text: str) -> None:
    assert for_slack(text) == text


def test_a_command_of_the_desk_s_own_is_code_without_anything_between() -> None:
    assert code('firstline approve inc-1 --why "…"') == '`firstline approve inc-1 --why "…"`'

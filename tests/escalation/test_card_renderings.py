"""One card in five forms: each whole, within its medium's limits, and deaf to whatever stands in it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.escalation.builders import result
from tests.escalation.kinds import kinds, worst
from worker.escalation import as_html, as_json, as_markdown, as_slack_blocks, as_text, card_of
from worker.escalation.card_json import card_schema
from worker.escalation.card_parts import Card, sections_of, shown

SCHEMA: Final = Path(__file__).parents[2] / "deploy" / "card.schema.json"
KINDS = {name: card_of(told) for name, told in kinds()}
HOSTILE: Final = (
    "<script>alert(1)</script><img src=https://evil.example/x.png> <!channel> <@U1> *bold* [click](https://evil.example)"
    " ![x](https://evil.example/x.png) @everyone #1 `code` ~~gone~~ | a | b | &lt; www.evil.example http://evil.example"
)


class Tags(HTMLParser):
    """Collects the elements of a document, their attributes, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def of_slack(card: Card) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = json.loads(json.dumps(as_slack_blocks(card)))
    return blocks


def texts_of_slack(blocks: list[dict[str, Any]]) -> list[str]:
    return [part["text"] for block in blocks for part in (block.get("elements") or [block["text"]])]


def plain(text: str) -> str:
    return " ".join(re.sub("[\\u2060\\\\]", "", text).split())


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_of_a_card_says_all_that_the_card_says(kind: str) -> None:
    card = KINDS[kind]
    rendered = (
        plain(as_text(card, 100)),
        plain(MarkdownIt().render(as_markdown(card)).replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")),
        plain(Tags(as_html(card)).text),
        plain(" ".join(texts_of_slack(of_slack(card))).replace("&lt;", "<").replace("&gt;", ">")),
    )
    for section in sections_of(card):
        for entry in section.entries:
            assert all(plain(entry) in form for form in rendered), entry


@pytest.mark.parametrize("kind", KINDS)
def test_every_hypothesis_is_marked_in_every_form(kind: str) -> None:
    card = KINDS[kind]
    marks = sum(sentence.doubt is not None for sentence in (*card.cause, *card.done, *card.checked, *card.ruled_out))
    for form in (as_text(card, 100), as_markdown(card), as_html(card), json.dumps(as_slack_blocks(card))):
        assert form.count("Hypothesis (") == marks
    assert sum(sentence["doubt"] is not None for sentence in as_json(card)["cause"]) == marks  # type: ignore[attr-defined]


def test_what_is_not_english_is_marked_and_says_what_of_it_was_checked() -> None:
    card = KINDS["a model in German"]
    assert [shown(sentence) for sentence in card.cause] == [
        "Hypothesis (figures checked, words not): Die CPU liegt bei 12 % [E1].",
        "Hypothesis (nothing in it to check): Die Datenbank ist wohl tot [E2].",
    ]


def test_markdown_has_no_markup_but_the_card_s_own() -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(as_markdown(card_of(worst(HOSTILE))))
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "text_special", "softbreak", "code_inline"}
    assert {token.tag for token in tokens} <= {"h2", "h3", "p", "ul", "ol", "li", "code", ""}


def test_each_command_stands_on_a_line_of_its_own_in_markdown() -> None:
    assert '--why "…"`\n\n`firstline reject ' in as_markdown(card_of(dict(kinds())["a proposal"]))


def test_control_unescaped_the_same_text_becomes_markup() -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(f"alert: {HOSTILE}")
    assert {"link_open", "image", "code_inline"} <= {child.type for token in tokens for child in token.children or ()}


def test_html_is_one_whole_document_that_fetches_nothing_and_runs_nothing() -> None:
    document = as_html(card_of(worst(HOSTILE)))
    tags = Tags(document)
    assert document.startswith("<!DOCTYPE html>\n<html")
    assert document.endswith("</html>\n")
    assert set(tags.tags) <= {"html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "ul", "ol", "li", "code"}
    assert {name for name, _ in tags.attributes} <= {"lang", "charset", "name", "content", "style"}
    assert not any("url(" in (value or "") for _, value in tags.attributes)
    assert ("content", "light dark") in tags.attributes
    assert len(document) < 30_000


@pytest.mark.parametrize("word", ["w", "&", "*", "<!channel>", HOSTILE])
def test_slack_blocks_keep_to_the_documented_limits(word: str) -> None:
    blocks = of_slack(card_of(worst(word)))
    assert len(blocks) <= 50
    assert blocks[0]["type"] == "header"
    assert len(blocks[0]["text"]["text"]) <= 150
    assert all(0 < len(text) <= 3_000 for text in texts_of_slack(blocks))
    assert not any(re.search("<[!@#h]|&(?!lt;|gt;|amp;)", text) for text in texts_of_slack(blocks[1:]))


def test_slack_cuts_no_escape_in_two() -> None:
    longest = Card.model_validate(KINDS["a storm"].model_dump() | {"stakeholder_note": "&" * 9_000})
    text = texts_of_slack(of_slack(longest))[-1]
    assert len(text) <= 3_000
    assert text.endswith("&amp;…")


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_of_a_card_is_of_the_published_schema_and_comes_back_as_the_same_card(kind: str) -> None:
    document = as_json(KINDS[kind])
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")), jsonschema.Draft202012Validator)
    assert Card.model_validate_json(json.dumps(document)) == KINDS[kind]
    assert document["schema_version"] == 1


def test_the_published_schema_is_the_code_s() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == card_schema()
    jsonschema.Draft202012Validator.check_schema(card_schema())


def test_control_another_form_is_not_of_the_schema() -> None:
    document = as_json(card_of(result())) | {"cause": "the database"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, card_schema())


@settings(deadline=None, max_examples=40)
@given(st.text(min_size=1, max_size=120))
def test_no_text_whatever_breaks_a_form(text: str) -> None:
    card = card_of(worst(text)) if text.strip() else card_of(result(summary=text))
    assert set(Tags(as_html(card)).tags) <= {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "div",
        "h1",
        "h2",
        "p",
        "ul",
        "ol",
        "li",
        "code",
    }
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(as_markdown(card))
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "text_special", "softbreak", "code_inline"}, as_markdown(card)
    assert all(len(part) <= 3_000 for part in texts_of_slack(of_slack(card)))

"""People's names: what the patterns found wins, programs and kept words stay, and nothing starts without its model."""

import importlib.util
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from types import ModuleType, SimpleNamespace

import pytest

from tests.redaction.corpus import CLEAN_RULES, clean_lines
from worker.errors import ConfigurationError
from worker.redaction import WITHHELD, Kind, Masker, PatternDetector, Placeholders, RedactionRules
from worker.redaction.people import PIECE_CHARACTERS, PeopleDetector, detector_of
from worker.redaction.presidio import PresidioNames, presidio_names

REAL_MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm")
needs_presidio = pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is None
    or not any(importlib.util.find_spec(model) for model in REAL_MODELS),
    reason="an extra that no lock holds: pip install 'firstline[ner]'; python -m spacy download en_core_web_sm",
)


class ListedNames:
    """Takes for names whatever is on its list, and remembers what it was asked."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[str] = []

    def names_in(self, text: str) -> Sequence[tuple[int, int]]:
        self.asked.append(text)
        return [(text.index(name), text.index(name) + len(name)) for name in self.names if name in text]


def install_fake_packages(monkeypatch: pytest.MonkeyPatch, *, models: Sequence[str]) -> None:
    """Put packages in place of the real ones that have nothing but a list of models: to load one would fail."""
    spacy, util = ModuleType("spacy"), SimpleNamespace(is_package=lambda name: name in models)
    spacy.__dict__["util"] = util
    monkeypatch.setitem(sys.modules, "spacy", spacy)
    monkeypatch.setitem(sys.modules, "presidio_analyzer", ModuleType("presidio_analyzer"))
    presidio_names.cache_clear()


def masker(names: ListedNames, *kept: str) -> Masker:
    rules = RedactionRules(kept=frozenset(kept))
    return Masker(PeopleDetector(PatternDetector(rules), names, kept=rules.kept), Placeholders())


def test_a_name_is_masked_beside_what_the_patterns_find_and_can_be_shown_again() -> None:
    mask = masker(ListedNames("Ada Lovelace"))
    told = mask.masked("Ada Lovelace called from 10.1.2.3, password=hunter2")
    assert told == "[PERSON_1] called from [IP_ADDRESS_1], password=[PASSWORD]"
    assert mask.placeholders.revealed(told) == "Ada Lovelace called from 10.1.2.3, password=[PASSWORD]"


def test_without_the_model_the_name_stays() -> None:
    assert (
        Masker(PatternDetector(RedactionRules()), Placeholders()).masked("Ada Lovelace called") == "Ada Lovelace called"
    )


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        "J. Smith",
        "J.R.R. Tolkien",
        "Maria O'Neill",
        "Hans-Peter van der Berg",
        "Ian McKellen",
        "José García Márquez",
        "Łukasz Żółty",
        "Анна Каренина",
        "王小明",
    ],
)
def test_names_of_many_shapes_are_believed(name: str) -> None:
    assert masker(ListedNames(name)).masked(f"owner={name}, paged") == "owner=[PERSON_1], paged"


@pytest.mark.parametrize(
    "text",
    [
        "Redis Sentinel",
        "Kafka",
        "Apache Kafka Connect",
        "CONNECTION REFUSED",
        "NullPointerException Thread",
        "Ada",
        "Session Manager",
        "Ada Lovelace.py",
        "/home/x/Ada Lovelace",
        "Ada Lovelace_1",
        "PASSWORD_1 [USER]",
    ],
)
def test_what_a_model_takes_for_a_person_and_has_no_such_shape_stays(text: str) -> None:
    class All:
        def names_in(self, text: str) -> Sequence[tuple[int, int]]:
            return [(0, len(text))]

    detector = PeopleDetector(PatternDetector(RedactionRules()), All())
    assert [found for found in detector.find(f"{text} failed") if found.kind is Kind.PERSON] == []


def test_a_program_before_or_behind_a_name_is_left_where_it_stands() -> None:
    mask = masker(ListedNames("Jenkins Ada Lovelace Worker"))
    assert mask.masked("by Jenkins Ada Lovelace Worker") == "by Jenkins [PERSON_1] Worker"


def test_what_the_patterns_found_wins_and_the_rest_of_the_name_is_masked_too() -> None:
    mask = masker(ListedNames("Ada Lovelace ada@example.com Grace Hopper"))
    assert (
        mask.masked("from Ada Lovelace ada@example.com Grace Hopper") == "from [PERSON_1] [EMAIL_ADDRESS_1] [PERSON_2]"
    )


def test_findings_stand_in_order_and_do_not_overlap() -> None:
    detector = PeopleDetector(
        PatternDetector(RedactionRules()), ListedNames("Grace Hopper", "Ada Lovelace", "Lovelace Grace")
    )
    found = detector.find("10.1.2.3 Ada Lovelace Grace Hopper 10.1.2.4")
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_a_name_of_a_word_that_is_also_an_ordinary_one_is_masked_whole() -> None:
    assert masker(ListedNames("Will Page")).masked("by Will Page") == "by [PERSON_1]"


@pytest.mark.parametrize("kept", ["Grace Hopper", "grace hopper", "Grace", "hopper"])
def test_what_is_kept_stays(kept: str) -> None:
    mask = masker(ListedNames("Grace Hopper", "Ada Lovelace"), kept)
    assert mask.masked("Ada Lovelace restarted Grace Hopper") == "[PERSON_1] restarted Grace Hopper"


def test_lines_without_the_shape_of_a_name_are_not_given_to_the_model() -> None:
    names = ListedNames()
    masker(names).masked("INFO kafka started\nby Ada Lovelace\nERROR Timeout in 3 s")
    assert names.asked == ["by Ada Lovelace\n"]


def test_a_long_line_is_read_in_pieces_and_no_name_is_cut() -> None:
    for before in range(PIECE_CHARACTERS - 20, PIECE_CHARACTERS + 5):
        names = ListedNames("Ada Lovelace")
        told = masker(names).masked("x" * before + " Ada Lovelace " + "Bo Ek " * PIECE_CHARACTERS)
        assert "Ada" not in told and "Lovelace" not in told  # noqa: PT018 - either would be a leak
        assert max(map(len, names.asked)) <= PIECE_CHARACTERS


def test_a_lone_surrogate_does_not_withhold_the_text() -> None:
    assert masker(ListedNames("Ada Lovelace")).masked("\ud800 Ada Lovelace") == "\ud800 [PERSON_1]"


def test_a_model_that_breaks_has_the_text_withheld() -> None:
    class Broken:
        def names_in(self, text: str) -> Sequence[tuple[int, int]]:
            raise RuntimeError(text)

    mask = Masker(PeopleDetector(PatternDetector(RedactionRules()), Broken()), Placeholders())
    assert mask.masked("Ada Lovelace called") == WITHHELD


def test_what_a_fields_name_says_is_the_wrapped_detectors_word() -> None:
    assert masker(ListedNames()).masked_labels({"db_password": "x"}) == {"db_password": "[PASSWORD]"}


class Talkative:
    """An analyzer that logs a line with a name while it reads: the log's masker asks again, in the same thread."""

    def __init__(self) -> None:
        self.nlp_engine = self
        self.names = PresidioNames(self, "en")

    def get_nlp(self, language: str) -> SimpleNamespace:
        return SimpleNamespace(memory_zone=nullcontext)

    def analyze(self, text: str, **_: object) -> Sequence[object]:
        return self.names.names_in(text)


def test_a_model_that_logs_while_it_reads_is_refused_and_waits_for_nobody() -> None:
    names = Talkative().names
    for _ in range(2):
        with pytest.raises(RuntimeError, match="while it reads"):
            names.names_in("Ada Lovelace")


def test_rules_that_ask_for_no_names_need_no_model() -> None:
    assert isinstance(detector_of(RedactionRules()), PatternDetector)


def test_without_the_package_nothing_starts_and_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    presidio_names.cache_clear()
    with pytest.raises(ConfigurationError) as failure:
        detector_of(RedactionRules(people_language="en"))
    assert "pip install 'firstline[ner]'" in str(failure.value)
    assert "python -m spacy download en_core_web_lg" in str(failure.value)


def test_without_a_model_of_the_language_nothing_starts_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    install_fake_packages(monkeypatch, models=("en_core_web_sm",))
    with pytest.raises(ConfigurationError, match=r'people_language = "de".*spacy download de_core_news_lg'):
        detector_of(RedactionRules(people_language="de"))


def test_with_another_package_of_that_name_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    install_fake_packages(monkeypatch, models=("en_core_web_sm",))
    with pytest.raises(ConfigurationError, match=r"pip install 'firstline\[ner\]'"):
        detector_of(RedactionRules(people_language="en"))


@needs_presidio
def test_the_real_model_finds_names_beside_programs() -> None:
    mask = Masker(detector_of(RedactionRules(people_language="en")), Placeholders())
    text = "Ticket 4711 was assigned to Grace Hopper by Jenkins\nRedis Sentinel restarted; Sarah Connor paged"
    assert (
        mask.masked(text)
        == "Ticket 4711 was assigned to [PERSON_1] by Jenkins\nRedis Sentinel restarted; [PERSON_2] paged"
    )


@needs_presidio
def test_the_real_model_takes_no_program_of_a_clean_line_for_a_person() -> None:
    detector = detector_of(replace(CLEAN_RULES, people_language="en"))
    text = "\n".join(line.text for line in clean_lines(20_261_126, 1_000))
    assert [text[found.start : found.end] for found in detector.find(text) if found.kind is Kind.PERSON] == []


@needs_presidio
def test_the_real_model_forgets_the_words_that_it_has_read() -> None:
    names = presidio_names("en")
    vocabulary = names._analyzer.nlp_engine.get_nlp("en").vocab
    size = len(vocabulary.strings)
    names.names_in("Grace Hopper met Xq7wz Vb9kt in Zz8pl")
    assert len(vocabulary.strings) == size


@needs_presidio
def test_many_threads_may_ask_the_real_model_at_once() -> None:
    text = "Ticket 4711 was assigned to Grace Hopper"
    with ThreadPoolExecutor(4) as pool:
        answers = set(map(tuple, pool.map(presidio_names("en").names_in, [text] * 40)))
    assert answers == {((28, 40),)}


@needs_presidio
def test_the_real_model_is_loaded_once_a_process() -> None:
    assert presidio_names("en") is presidio_names("en")


@needs_presidio
def test_the_real_package_without_a_model_of_the_language_refuses_the_start() -> None:
    with pytest.raises(ConfigurationError, match="spacy download lt_core_news_lg"):
        detector_of(RedactionRules(people_language="lt"))


@needs_presidio
def test_a_real_model_that_can_not_be_loaded_refuses_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise OSError(f"[E053] Could not read config file of {name}")

    monkeypatch.setattr("spacy.load", broken)
    presidio_names.cache_clear()
    with pytest.raises(ConfigurationError, match=r"E053.*spacy download en_core_web_"):
        detector_of(RedactionRules(people_language="en"))

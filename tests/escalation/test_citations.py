"""What a sentence of a card may say beside what it cites, and what is marked as a hypothesis."""
# ruff: noqa: RUF001 - the marks of other scripts are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.escalation.builders import HEALTH, LOGS, REFUSED_RESTART, SERVER
from worker.contract import Evidence
from worker.escalation.card_sentences import CitationKind, Doubt
from worker.escalation.citations import checked, sentences_of

HIGH = HEALTH.model_copy(
    update={
        "evidence_id": "E4",
        "statement": "the service is degraded, CPU 98 %, memory 41 %, queue_seconds 4.2, restarts 0, "
        "node_load 7.5 count (3 half an hour before)",
    }
)
CLEAN = LOGS.model_copy(
    update={"evidence_id": "E5", "statement": "1200 log lines, 0 with errors", "quotations": ()},
)
FAULTS = LOGS.model_copy(
    update={
        "evidence_id": "E6",
        "statement": "400 log lines, 3 with local faults",
        "quotations": ("java.lang.OutOfMemoryError: Java heap space after 1532ms in worker-7 of [IP_ADDRESS_1]",),
    }
)
DONE = Evidence(
    evidence_id="E8",
    tool="restart_service",
    statement=f"restarted {SERVER} (fence 3): not restored, CPU at 97.6 % again 12 s after the restart",
    observed_at=HEALTH.observed_at,
)
SEEN = (HEALTH, LOGS, REFUSED_RESTART, HIGH, CLEAN, FAULTS, DONE)
NAMES = (SERVER, "payments")

TRUE = [
    "CPU is at 12 % [E1].",
    "CPU is at 12% and memory at 41 percent [E1].",
    "41 % memory, 12 % CPU (E1)",
    "CPU is only at 12 %, memory is at 41 % [E1].",
    "The service is running [E1] and 37 lines show dependency failures [E2].",
    "The service is not stopped [E1].",
    "A failing dependency shows in the log [E2].",
    "The log names payments-db:5432 [E2].",
    'The log says "Could not  connect to PAYMENTS-DB:5432" [E2].',
    "The log says “could not connect to payments-db:5432: Connection…” [E2].",
    "The log says that at 02:59:58 the connection was refused [E2].",
    f"{SERVER} runs with 12 % CPU [E1].",
    "restart_service was refused (dependency_failure) [E3].",
    "The CPU is at 97.6 % [E4].",
    "The queue holds for 4.2 s, the load is 7.5 [E4].",
    "The load was 3 half an hour before [E4].",
    "1,200 lines show no errors [E5].",
    "The log shows no timeout in 1200 lines [E5].",
    "No dependency failure shows in 400 lines [E6].",
    "Three lines show local faults [E6].",
    "The log names worker-7 and “Java heap space” after 1532 ms [E6].",
    "The log shows “OutOfMemoryError: Java heap space” of [IP_ADDRESS_1] [E6].",
    f"{SERVER} was restarted and not restored: CPU at 98 % after 12 s [E8].",
    "CPU stands at 12 %. [E1]",
]

FALSE = [
    ("CPU is at 13 % [E1].", "13 %"),
    ("CPU is at 41 % [E1].", "41 %"),
    ("Memory is at 98 % [E4].", "98 %"),
    ("CPU is at 12 % [E4].", "12 %"),
    ("CPU is at 98 % [E1].", "98 %"),
    ("CPU takes 12 s [E1].", "12 s"),
    ("37 lines show failures [E1].", "37"),
    ("370 lines show dependency failures [E2].", "370"),
    ("The service is stopped [E1].", "stopped"),
    ("The service is not running [E1].", "not running"),
    ("The service is degraded [E1].", "degraded"),
    ("orders-db:5432 refused the connection [E2].", "orders-db:5432"),
    ("payments-db:5433 refused the connection [E2].", "payments-db:5433"),
    ("orders-db has 37 dependency failures [E2].", "orders-db"),
    ("payment-server-02 runs with 12 % CPU [E1].", "payment-server-02"),
    ("The log says “too many connections” [E2].", "too many connections"),
    ("The connection timed out: 37 failures [E2].", "timed out"),
    ("The log shows no errors [E2].", "no errors"),
    ("400 lines without any error [E2]", "without any error"),
    ("400 lines, and dependency failures were not found [E2].", "dependency failures"),
    ("There are 37 errors [E5].", "37"),
    ("The log shows errors [E5].", "errors"),
    ("No errors, CPU 12 % [E1].", "no errors"),
    ("At 02:59:59 the connection was refused [E2].", "02:59:59"),
    ("The server was restarted [E3].", "restarted"),
    (f"{SERVER} recovered [E8].", "recovered"),
    ("It took 1523 ms [E6].", "1523 ms"),
    ("worker-8 failed [E6].", "worker-8"),
    ("Ten lines show local faults [E6].", "10"),
    ("Address [IP_ADDRESS_2] met 3 local faults [E6].", "IP_ADDRESS_2"),
    ("Version 2.3.1 shows 37 dependency failures [E2].", "2.3.1"),
    ("CPU is at 99,9 % [E4].", "99,9 %"),
    ("12 % of the users are affected [E1].", "12 %"),
    ("37 customers are affected [E2].", "37"),
    ("A deployment raised CPU to 98 % [E4].", "deployment"),
    ("With 37 failures, the network is broken [E2].", "network"),
    ("La CPU está al 97 % [E1].", "97 %"),
    ("内存为98% [E4]。", "98%"),
    ("يوجد ٤٠ خطأ [E2]", "40"),
    ("三百行 [E2]", "三百"),
]

DOUBTED = [
    ("Die CPU liegt bei 12 %, der Speicher bei 41 % [E1].", Doubt.UNCHECKABLE),
    ("Le processeur est à 97,6 % [E4].", Doubt.UNCHECKABLE),
    ("La CPU está al 98 % y la memoria al 41 % [E4].", Doubt.UNCHECKABLE),
    ("CPU使用率为12%，内存为41% [E1]。", Doubt.UNCHECKABLE),
    ("メモリは41%です [E1]。", Doubt.UNCHECKABLE),
    ("Keep an eye on it: CPU stands at 12 %. [E1]", Doubt.UNCHECKABLE),
    ("payments-db:5432 does not answer [E2].", Doubt.UNSUPPORTED),
    ("At 02:59:58 the connection was refused [E2].", Doubt.UNSUPPORTED),
    ("It is the database.", Doubt.UNCITED),
    ("CPU is at 12 %.", Doubt.UNCITED),
    ("The disk is full [E7].", Doubt.UNSEEN),
    ("CPU is at 12 % [E1] [E77].", Doubt.UNSEEN),
    ("The team is new [E1].", Doubt.UNCHECKABLE),
    ("Die Datenbank antwortet langsam [E2].", Doubt.UNCHECKABLE),
    ("It is slow because CPU is at 98 % [E4].", Doubt.INFERRED),
    ("Memory at 41 % suggests that it is not the heap [E1].", Doubt.INFERRED),
]


@pytest.mark.parametrize("sentence", TRUE)
def test_what_the_cited_evidence_says_stands(sentence: str) -> None:
    (told,) = sentences_of(sentence, SEEN, names=NAMES)
    assert told.doubt is None, told.doubt_in_words


@pytest.mark.parametrize(("sentence", "missing"), FALSE)
def test_what_the_cited_evidence_does_not_say_is_a_hypothesis_that_names_it(sentence: str, missing: str) -> None:
    (told,) = sentences_of(sentence, SEEN, names=NAMES)
    assert told.doubt is Doubt.UNSUPPORTED, told
    assert missing in told.doubt_in_words


@pytest.mark.parametrize(("sentence", "doubt"), DOUBTED)
def test_what_cites_nothing_or_cannot_be_checked_is_a_hypothesis(sentence: str, doubt: Doubt) -> None:
    (told,) = sentences_of(sentence, SEEN, names=NAMES)
    assert told.doubt is doubt, told


def test_a_citation_names_its_kind_and_its_id_once_in_the_order_of_the_sentence() -> None:
    told = checked("37 lines with failures [E2], CPU 12 % (E1), and 400 log lines E2", SEEN)
    assert [(cited.kind, cited.identifier) for cited in told.citations] == [
        (CitationKind.EVIDENCE, "E2"),
        (CitationKind.EVIDENCE, "E1"),
    ]
    assert told.doubt is None


def test_a_citation_behind_the_stop_belongs_to_the_sentence_before_it() -> None:
    first, second = sentences_of("CPU is at 12 %. [E1] 37 lines show failures. [E2]", SEEN)
    assert (first.text, second.text) == ("CPU is at 12 % [E1].", "37 lines show failures [E2].")


FIGURES = (
    "{}",
    "{} %",
    "{} s",
    "{}ms",
    "CPU {} %",
    "{} lines",
    "port {}",
    "v{}",
    "worker-{}",
    "[IP_ADDRESS_{}]",
    "{}次",
)
SCRIPTS = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９")


@given(
    before=st.text(alphabet=st.characters(exclude_categories=["N", "C"]), max_size=30),
    behind=st.text(alphabet=st.characters(exclude_categories=["N", "C"]), max_size=30),
    figure=st.sampled_from(FIGURES),
    number=st.integers(2_000, 5_000).filter(lambda number: number not in {5432, 2026}),
    digits=st.sampled_from(SCRIPTS),
)
def test_a_sentence_with_a_number_that_stands_nowhere_is_never_unmarked(
    before: str, behind: str, figure: str, number: int, digits: str
) -> None:
    written = figure.format(str(number).translate(str.maketrans(SCRIPTS[0], digits)))
    told = checked(f"{before} {written} {behind} [E1] [E2] [E4]", SEEN, names=NAMES)
    assert told.doubt is not None


@given(cpu=st.floats(0, 100).map(lambda value: round(value, 1)), memory=st.integers(0, 100), is_rounded=st.booleans())
def test_a_true_reading_stands_rounded_or_not(cpu: float, memory: int, is_rounded: bool) -> None:
    seen = HEALTH.model_copy(update={"statement": f"the service is running, CPU {cpu:.0f} %, memory {memory} %"})
    said = f"{cpu:.0f}" if is_rounded else f"{cpu}"
    assert checked(f"CPU is at {said} %, memory at {memory} % [E1].", [seen]).doubt is None


@given(st.text(max_size=200))
def test_no_text_whatever_breaks_the_check(text: str) -> None:
    noise = HEALTH.model_copy(update={"statement": text, "quotations": (text,)})
    for sentence in sentences_of(f"{text} [E1]", [noise]):
        assert sentence.doubt is None or sentence.doubt_in_words


def test_control_without_the_check_a_wrong_number_would_pass_as_a_fact() -> None:
    wrong = checked("CPU is at 13 % [E1].", SEEN)
    assert wrong.doubt is Doubt.UNSUPPORTED
    assert [cited.identifier for cited in wrong.citations] == ["E1"], (
        "its citation exists, which was all that was asked"
    )


QUOTING = f"CPU at 12 % [E1], and “{LOGS.quotations[0]}”, 37 with dependency failures [E2]."


def test_the_rules_quote_a_cited_log_without_naming_it() -> None:
    assert checked(QUOTING, SEEN, is_own=True).doubt is None
    invented = checked(QUOTING.replace("refused", "lost"), SEEN, is_own=True)
    assert invented.doubt is Doubt.UNSUPPORTED, "what no log says is doubted, whoever quotes it"


def test_control_a_model_that_does_the_same_is_doubted() -> None:
    assert checked(QUOTING, SEEN).doubt is Doubt.UNSUPPORTED


ENDING = "ERROR pool-1: request timed out after 30000ms."
TIMED_OUT = LOGS.model_copy(update={"quotations": (ENDING,)})


def test_a_quotation_that_ends_with_a_stop_tears_no_sentence_in_two() -> None:
    (told,) = sentences_of(f"The log shows “{ENDING}” [E2].", [HEALTH, TIMED_OUT])
    assert told.doubt is None, told.doubt_in_words


def test_a_sentence_ends_with_a_quotation_where_another_begins_behind_it() -> None:
    first, second = sentences_of(f"The log shows [E2] “{ENDING}” CPU is at 13 % [E1].", [HEALTH, TIMED_OUT])
    assert (first.text[-3:], second.text) == ("s.”", "CPU is at 13 % [E1].")
    assert (first.doubt, second.doubt) == (None, Doubt.UNSUPPORTED)


def test_what_looks_like_a_citation_in_a_quotation_is_the_log_s() -> None:
    coded = LOGS.model_copy(update={"quotations": ("ERROR E404 in main [E9]",)})
    told = checked("The log says “ERROR E404 in main [E9]” [E2].", [coded])
    assert [cited.identifier for cited in told.citations] == ["E2"]
    assert told.doubt is None, told.doubt_in_words
    assert checked("The log says “ERROR E404 in main [E2]”.", [coded]).doubt is Doubt.UNCITED


def test_what_a_quoted_line_infers_is_the_log_s_and_what_a_sentence_infers_is_a_hypothesis() -> None:
    caused = LOGS.model_copy(update={"quotations": ("ERROR caused by a lost lock",)})
    assert checked("The log shows “ERROR caused by a lost lock” [E2].", [caused]).doubt is None
    told = checked("The log shows “ERROR caused by a lost lock” [E2], probably.", [caused], is_own=True)
    assert told.doubt is Doubt.INFERRED


def test_a_path_of_keys_that_begins_with_a_figure_is_one_name() -> None:
    failed = HEALTH.model_copy(
        update={"statement": "get_server_health failed: health.json: 0.figures.float: no number"}
    )
    assert (
        checked("It could not be read [E1]: health.json: 0.figures.float: no number.", [failed], is_own=True).doubt
        is None
    )
    other = checked("It could not be read [E1]: health.json: 1.figures.float: no number.", [failed], is_own=True)
    assert other.doubt is Doubt.UNSUPPORTED


FAILURE = "the breaker of pool-7 is open because of 5 failures in a row; it may be tried in 30 s"
UNREAD = HEALTH.model_copy(update={"statement": f"get_server_health failed: {FAILURE}"})


def test_why_something_could_not_be_read_stands_word_for_word_and_is_doubted_with_any_other() -> None:
    told = f"The server's health could not be read [E1]: {FAILURE}."
    assert checked(told, [UNREAD], is_own=True).doubt is None
    assert checked(told.replace("5 failures", "6 failures"), [UNREAD], is_own=True).doubt is Doubt.UNSUPPORTED
    assert checked(told, [UNREAD]).doubt is not None, "a model's words are not the desk's"

"""Lines that differ in numbers, ids, times and quoted values have one template; what a line says stays."""

import pytest

from worker.redaction.placeholders import has_numbered
from worker.triage.line_templates import template_of


@pytest.mark.parametrize(
    ("line", "template"),
    [
        (
            "2026-11-27T08:35:39.123+00:00 ERROR [exec-12] 3 of 7 failed in 12ms",
            "<*> ERROR [exec-<*>] <*> of <*> failed in <*>",
        ),
        ("peer 10.0.0.7:8080 sent 0x7fffab", "peer <*> sent <*>"),
        ("order a3f9bc12-dead-beef-cafe-abcdefabcdef", "order <*>"),
        ("relation \"orders\" is gone, can't open 'x.y'", "relation \"<*>\" is gone, can't open '<*>'"),
        ("no figure here", "no figure here"),
        ("", ""),
    ],
)
def test_what_varies_is_replaced(line: str, template: str) -> None:
    assert template_of(line) == template


def test_the_words_of_structured_lines_stay_although_they_are_quoted() -> None:
    assert template_of('{"level":"error","msg":"db down after 3 tries"}') == (
        '{"level":"error","msg":"db down after <*> tries"}'
    )
    assert template_of('level=error msg="disk full"') == 'level=error msg="disk full"'


def test_the_status_of_an_access_line_stays() -> None:
    line = '10.0.0.1 - - [27/Nov/2026:08:35:39 +0000] "GET /users/7 HTTP/1.1" {} 23 "-" "Mozilla/5.0 (X11)"'
    assert template_of(line.format(200)) != template_of(line.format(503))
    assert " 503 <*>" in template_of(line.format(503))


def test_a_placeholder_keeps_its_kind_and_is_no_numbered_one() -> None:
    template = template_of("login of [EMAIL_ADDRESS_12] from [IP_ADDRESS_3] with [PASSWORD] refused")
    assert template == "login of [EMAIL_ADDRESS] from [IP_ADDRESS] with [PASSWORD] refused"
    assert not has_numbered(template)

"""Reading a monitoring system's API: whatever it answers, the poller gets JSON within bounds or a sentence."""

from collections.abc import Callable, Iterator
from itertools import count

import httpx2
import pytest
from pydantic import SecretStr

from producers.polling import json_api
from producers.polling.json_api import ANSWER_LIMIT_BYTES, ApiError, JsonApi
from producers.polling.settings import PollSettings, load_poll_settings
from producers.settings import ProducerConfigurationError

URL = "http://alertmanager.example:9093/prefix/"
NOBODY = PollSettings.model_construct()
Answer = Callable[[httpx2.Request], httpx2.Response]


def api_that(answers: Answer, settings: PollSettings = NOBODY) -> JsonApi:
    ticks = count()
    return JsonApi(URL, settings, transport=httpx2.MockTransport(answers), monotonic_seconds=lambda: float(next(ticks)))


def failure_of(answers: Answer) -> ApiError:
    with api_that(answers) as api, pytest.raises(ApiError) as failure:
        api.get("/api/v2/alerts")
    assert "http://alertmanager.example:9093/prefix/api/v2/alerts" in str(failure.value)
    return failure.value


def test_the_answer_is_decoded_and_the_url_s_path_is_kept() -> None:
    asked: list[httpx2.URL] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url)
        return httpx2.Response(200, json=[{"a": 1}])

    with api_that(answers) as api:
        assert api.get("/api/v2/alerts", {"active": "true"}) == [{"a": 1}]
    assert str(asked[0]) == "http://alertmanager.example:9093/prefix/api/v2/alerts?active=true"


def test_a_question_longer_than_a_url_goes_in_the_body() -> None:
    asked: list[httpx2.Request] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={})

    with api_that(answers) as api:
        api.ask("/api/v1/query", {"query": "x" * 50_000})
    assert len(str(asked[0].url)) < 100
    assert asked[0].content == b"query=" + b"x" * 50_000


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        (NOBODY, None),
        (PollSettings.model_construct(token=SecretStr("t0ken\n")), "Bearer t0ken"),
        (PollSettings.model_construct(user="desk", password=SecretStr("pass:wörd")), "Basic ZGVzazpwYXNzOnfDtnJk"),
    ],
)
def test_who_asks_is_said_with_the_token_or_with_user_and_password(settings: PollSettings, header: str | None) -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"said": request.headers.get("Authorization")})

    with api_that(answers, settings) as api:
        assert api.get("/") == {"said": header}


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx2.Response(503, text="<html>overloaded</html>"), "answers 503"),
        (httpx2.Response(500, json={"error": "x" * 5000}), "answers 500 (“xxx"),
        (
            httpx2.Response(422, json={"status": "error", "error": "parse error:\x1b[31m at 3"}),
            "parse error:\\x1b[31m at",
        ),
        (httpx2.Response(401), "set FIRSTLINE_POLL_TOKEN"),
        (
            httpx2.Response(302, headers={"Location": "http://elsewhere.example/"}),
            "redirects (302), which is not followed",
        ),
        (httpx2.Response(200, text="<html>sign in</html>"), "a page instead of JSON"),
        (httpx2.Response(200, text='[{"labels": '), "not JSON"),
        (httpx2.Response(200, content=b"\xff\xfe"), "not JSON"),
        (httpx2.Response(200, text=""), "not JSON"),
        (httpx2.Response(200, text="[" * 200_000), "not JSON"),
        (httpx2.Response(200, text="9" * 10_000), "not JSON"),
    ],
)
def test_an_answer_that_can_t_be_used_is_named_with_what_it_was(response: httpx2.Response, words: str) -> None:
    failure = failure_of(lambda _: response)
    assert words in str(failure)
    assert len(str(failure)) < 300
    assert failure.is_refused == (400 <= response.status_code < 500)


def test_a_redirect_is_not_followed_for_it_would_carry_the_token_away() -> None:
    asked: list[str] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        return httpx2.Response(307, headers={"Location": "http://elsewhere.example/"})

    failure_of(answers)
    assert asked == ["alertmanager.example"]


def test_an_answer_past_the_limit_is_given_up_before_it_is_whole() -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        chunk = b" " * (8 * 1024 * 1024)
        for _ in range(1000):
            sent += len(chunk)
            yield chunk

    assert "more than 67108864 bytes" in str(failure_of(lambda _: httpx2.Response(200, content=body())))
    assert sent <= ANSWER_LIMIT_BYTES + 16 * 1024 * 1024


def test_an_answer_that_trickles_is_given_up_in_time() -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" "

    assert "too slow" in str(failure_of(lambda _: httpx2.Response(200, content=body())))
    assert sent < json_api.ANSWER_TIMEOUT_SECONDS + 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("refused"), "can't be reached"),
        (httpx2.ReadTimeout("slow"), "too slow"),
        (httpx2.RemoteProtocolError("garbage"), "can't be reached"),
    ],
)
def test_a_system_that_is_away_is_named(error: httpx2.TransportError, words: str) -> None:
    def answers(_: httpx2.Request) -> httpx2.Response:
        raise error

    assert words in str(failure_of(answers))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "http(s)://host:port"),
        ("alertmanager:9093", "http(s)://host:port"),
        ("ftp://host", "http(s)://host:port"),
        ("http://", "http(s)://host:port"),
        ("http://host:port", "http(s)://host:port"),
        ("http://desk:secret@host:9093", "FIRSTLINE_POLL_USER"),
        ("http://host:9093/?q=1", "query"),
    ],
)
def test_a_url_that_is_none_or_holds_credentials_is_refused_and_not_repeated(url: str, words: str) -> None:
    with pytest.raises(ProducerConfigurationError) as failure:
        JsonApi(url, NOBODY)
    assert words in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"TOKEN": "t", "USER": "u", "PASSWORD": "p"}, "not both"),
        ({"USER": "u"}, "go together"),
        ({"PASSWORD": "p"}, "go together"),
        ({"TOKEN": "tökens"}, "ASCII"),
        ({"USER": "a:b", "PASSWORD": "p"}, "FIRSTLINE_POLL_USER"),
    ],
)
def test_credentials_that_can_t_be_meant_are_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FIRSTLINE_POLL_{name}", value)
    with pytest.raises(ProducerConfigurationError, match=words) as failure:
        load_poll_settings(_env_file=None)
    assert "tökens" not in str(failure.value)


def test_without_variables_nobody_is_said_to_ask() -> None:
    assert load_poll_settings(_env_file=None).authorization() == {}

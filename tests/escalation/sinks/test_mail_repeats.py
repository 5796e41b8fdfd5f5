"""A mail that some recipients were refused comes again to those alone: through the sender, at a real SMTP server."""

from collections import Counter

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis import Redis

from tests.escalation.builders import result
from tests.escalation.sinks.mail_server import Post, server
from tests.escalation.sinks.stand_ins import handled
from tests.fakes import FakeClock
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.escalation.deliveries import Deliveries
from worker.escalation.dispatcher import Dispatcher
from worker.escalation.routes import Routes
from worker.escalation.sending import SinkInUse
from worker.escalation.sinks.mail import MailSink
from worker.escalation.standing import Standings
from worker.escalation.telling import Outcome, Told

__all__ = ["redis_fixture", "valkey_fixture"]

ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"


class Greylisting(Post):
    """Takes a mail for these recipients only after it has refused each of them so often."""

    def __init__(self, **times: int) -> None:
        super().__init__()
        self._left = {f"{name}@example.com": number for name, number in times.items()}

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._left.get(address, 0) > 0:
            self._left[address] -= 1
            return "451 come back later"
        return await super().handle_RCPT(server, session, envelope, address, options)

    @property
    def received(self) -> Counter[str]:
        """How many mails each recipient has."""
        return Counter(recipient for _, recipients, _ in self.mails for recipient in recipients)


class MailDesk:
    """One process that mails."""

    def __init__(self, redis: Redis, port: int) -> None:
        sink = MailSink(
            host="127.0.0.1", port=port, sender="desk@example.com", recipients=[ANN, BOB, EVE], security="none"
        )
        self.told: list[Told] = []
        self.redis = redis
        self.dispatcher = Dispatcher(
            [SinkInUse(name="mail", notifier=sink, follower=sink)],
            routes=Routes(default=("mail",)),
            deliveries=Deliveries(redis),
            standings=Standings(redis),
            clock=FakeClock(),
            tell=self.told.append,
        )

    def send(self, *, tries: int) -> list[Outcome]:
        for _ in range(tries):
            self.dispatcher.senders["mail"].send_next()
            let_time_pass(self.redis, 301)
        return [told.outcome for told in self.told]


def test_who_was_refused_for_now_gets_the_mail_on_a_repeat_and_nobody_gets_it_twice(redis: Redis) -> None:
    post = Greylisting(bob=1, eve=2)
    with server(post) as port:
        desk = MailDesk(redis, port)
        desk.dispatcher.deliver(result())
        outcomes = desk.send(tries=4)
    assert outcomes == [Outcome.POSTPONED, Outcome.POSTPONED, Outcome.DELIVERED]
    assert [recipients for _, recipients, _ in post.mails] == [[ANN], [BOB], [EVE]]


def test_an_answer_to_it_reaches_everybody_again(redis: Redis) -> None:
    post = Greylisting(bob=1)
    with server(post) as port:
        desk = MailDesk(redis, port)
        desk.dispatcher.deliver(result())
        desk.send(tries=2)
        desk.dispatcher.follow(result(), handled())
        desk.send(tries=1)
    assert post.received == {ANN: 2, BOB: 2, EVE: 2}


@pytest.mark.parametrize("is_same_process", [True, False], ids=["the same process", "the control: another one"])
def test_a_process_that_knows_nothing_of_the_refusal_mails_everybody_again(
    redis: Redis, *, is_same_process: bool
) -> None:
    post = Greylisting(bob=1)
    with server(post) as port:
        first = MailDesk(redis, port)
        first.dispatcher.deliver(result())
        first.send(tries=1)
        (first if is_same_process else MailDesk(redis, port)).send(tries=1)
    assert post.received == ({ANN: 1, BOB: 1, EVE: 1} if is_same_process else {ANN: 2, BOB: 1, EVE: 2})
    assert len({message["Message-ID"] for message, _, _ in post.mails}) == 1

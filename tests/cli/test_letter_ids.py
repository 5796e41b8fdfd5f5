"""Dead letters at the command line: what is no id is said to be none, whoever is asked."""

import pytest
from fakeredis import FakeRedis

from worker.cli.dead_letters import _found
from worker.errors import FirstlineError
from worker.registry.dead_letters import DeadLetters


@pytest.mark.parametrize("entry_id", ["99999999999999999999-1", "1-18446744073709551616", "1", "a-b", "0-0"])
def test_an_id_that_no_letter_can_have_is_no_letter(entry_id: str) -> None:
    with pytest.raises(FirstlineError, match="There is no dead letter"):
        _found(DeadLetters(FakeRedis()), entry_id)

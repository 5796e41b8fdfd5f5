"""Ways to engineers over a network: one module a system, each made with plain arguments, each safe from one thread.

A sink renders a result's card, hands it over once, and says in one sentence why it could not (`NotDelivered`). It
keeps no state: what was delivered before, and what comes next, is for who calls it. What is alike stands in `posting`
(HTTP) and `saying` (words). No secret of a sink is ever in an error's text or in a log.

    sink            the same result again                              an engineer's action
    PagerDuty       one page, while the alert is open there            acknowledges, resolves, triggers again
    mail            a second mail of the same Message-ID               an answer in its thread
    Slack, webhook  a second message                                   a message of its own
    Slack, bot      no second message, among the newest 24             a message in its thread
    Teams           a second card                                      a card of its own
    Mattermost      a second message                                   a message of its own
    webhook         the same Idempotency-Key: as the receiver has it   a message with a key of its own
    Jira            no second ticket, but within seconds               a comment; resolving may close
    ServiceNow      no second record, but at the same moment           a work note; resolving may close
    Apprise         a second message                                   a message of its own

Nobody can tell apart a message that was taken and one that was not when the answer is lost: `NotDelivered`, not final.
"""

__all__: list[str] = []

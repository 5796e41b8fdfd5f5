"""Ways to engineers over a network: one module a system, each made with plain arguments, each safe from one thread.

A sink renders a result's card, hands it over once, and says in one sentence why it could not (`NotDelivered`). It
keeps no state: what was delivered before, and what comes next, is for who calls it. What is alike stands in `posting`
(HTTP) and `saying` (words). No secret of a sink is ever in an error's text or in a log.
"""

__all__: list[str] = []

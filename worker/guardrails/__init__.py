"""The safety room: one policy a file. A `Refusal` and a guard that can't decide both mean no.

`policy` what the reviewed file allows · `rate_limit` how often a tool may be called · `restart_policy` whether the
evidence justifies a restart · `restart_guard` lock, cooldown, budgets and write-ahead intent · `guarded_restart` the
one tool that restarts · `verification` whether it helped.
"""

"""Fault injection: what a bit flip at some moment makes of a run, for one flip or for a sample of all of them.

    with quire.Machine.supervisor(seed=1) as m:
        p = m.spawn(["./sort", "numbers"])
        space = fi.Space(fi.flips("x"), fi.every_insn())
        campaign = fi.Campaign.plan("sort.db", m, p, space, margin=0.02)
    campaign.run()
    print(campaign.table())
    with campaign.replay(17) as case:      # the machine just before injection 17
        case.inject()
        case.machine.step()
"""

from .campaign import Campaign, Injection
from .models import Fault, flips, page_table_flips, role_of
from .outcomes import OUTCOMES, OutcomeTable
from .session import Case
from .space import (
    Moments,
    Space,
    at_access,
    at_events,
    at_fault,
    at_icounts,
    at_pc,
    at_switch,
    at_syscall,
    every,
    every_insn,
    where,
)
from .statistics import sample_size, wilson
from .times import Times

__all__ = [
    "OUTCOMES",
    "Campaign",
    "Case",
    "Fault",
    "Injection",
    "Moments",
    "OutcomeTable",
    "Space",
    "Times",
    "at_access",
    "at_events",
    "at_fault",
    "at_icounts",
    "at_pc",
    "at_switch",
    "at_syscall",
    "every",
    "every_insn",
    "flips",
    "page_table_flips",
    "role_of",
    "sample_size",
    "where",
    "wilson",
]

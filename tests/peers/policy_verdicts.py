#!/usr/bin/env python3
"""Ask the real oslo.policy about generated rules, and write down what it says.

    build/venvs/keystone/bin/python tests/peers/policy_verdicts.py > tests/unit/service/policy_verdicts.tsv

Each line is a rule, a tab, and one digit for each caller and target below (callers outside): 1 lets
pass, 0 does not, x: oslo.policy itself fails. tests/unit/service/policy_verdicts_test.cc holds the
server to it, and has the same callers and targets.
"""

from __future__ import annotations

import logging
import random

from oslo_policy import _parser, policy

RULES = 400
SEED = 20260701

CALLERS = [
    {"roles": ["admin", "member", "reader"], "project_id": "p1", "user_id": "u1", "is_admin": True},
    {"roles": ["Member", "reader"], "project_id": "p2", "user_id": "u2", "is_admin": False},
    {"roles": ["reader"], "project_id": "p1", "user_id": "u3", "is_admin": False, "service_roles": ["service"]},
    {"roles": [], "project_id": "p3", "user_id": "u4", "is_admin": False},
]
TARGETS = [
    {"owner": "p1", "project_id": "p1", "visibility": "private", "member_id": "p2", "size": None},
    {"owner": "p2", "project_id": "p2", "visibility": "public", "protected": True, "size": 5},
    {},
]

CHECKS = [
    "role:admin", "role:member", "role:READER", "role:%(visibility)s", "project_id:%(owner)s",
    "project_id:%(project_id)s", "project_id:%(member_id)s", "user_id:u1", "user_id:%(owner)s",
    "'public':%(visibility)s", '"private":%(visibility)s', "'p1':%(owner)s", "None:%(size)s", "5:%(size)s",
    "True:%(protected)s", "is_admin:True", "is_admin:False", "service_roles:service", "nothing:%(owner)s",
    "project_id:p%%1", "'p1p1':%(owner)s%(project_id)s", "'<p2>':<%(owner)s>", "@", "!",
    "rule:owner", "rule:open", "rule:absent", "rule:nested",
]  # fmt: skip
NAMED = {
    "default": "role:admin",
    "owner": "project_id:%(owner)s",
    "open": "'public':%(visibility)s or rule:owner",
    "nested": "not (rule:open and role:reader)",
}
# What people get wrong, and what is written in more than one way.
WRITTEN = [
    "", "  ", "role:admin or", "or role:admin", "and", "not", "role:admin role:member", "(role:admin", "role:admin)",
    "()", "((role:admin))", "( role:admin )", "'public'", "admin", "role:", ":admin", "role:admin and or role:member",
    "not not role:admin", "NOT role:admin", "role:admin Or role:member", "not(role:admin)", "(not role:admin)",
    "role:admin\nor\nrole:member", "role:admin and(role:member)", "%(owner)s:p1", "'p1:%(owner)s", "07:7",
]  # fmt: skip


def generated(chance: random.Random, depth: int) -> str:
    """A rule that is well formed, in one of the ways to write it."""
    kind = chance.random()
    if depth == 0 or kind < 0.3:
        return chance.choice(CHECKS)
    if kind < 0.45:
        return "not " + grouped(chance, depth - 1)
    parts = [
        grouped(chance, depth - 1) if chance.random() < 0.6 else chance.choice(CHECKS)
        for _ in range(chance.randint(2, 4))
    ]
    text = parts[0]
    for part in parts[1:]:
        text += chance.choice([" and ", " or "]) + chance.choice(["", "", "not "]) + part
    return text


def grouped(chance: random.Random, depth: int) -> str:
    inner = generated(chance, depth)
    return inner if inner in CHECKS else f"({inner})"


class Enforcer:
    """As much of oslo.policy's own as checks ask for."""

    def __init__(self) -> None:
        self.rules = policy.Rules({name: _parser.parse_rule(text) for name, text in NAMED.items()}, "default")


def verdict(rule: str, caller: dict, target: dict) -> str:
    try:
        return "1" if _parser.parse_rule(rule)(target, caller, Enforcer(), None) else "0"
    except Exception:  # whatever it is, nobody passes
        return "x"


def main() -> None:
    logging.disable(logging.CRITICAL)
    chance = random.Random(SEED)
    rules = dict.fromkeys(WRITTEN)
    while len(rules) < RULES:
        rules[generated(chance, 3)] = None
    for rule in rules:
        verdicts = "".join(verdict(rule, caller, target) for caller in CALLERS for target in TARGETS)
        print(rule.replace("\n", "\\n") + "\t" + verdicts)


if __name__ == "__main__":
    main()

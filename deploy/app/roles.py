"""Roles: one a persona; who has none may read what is public."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody may do."""

    ADMIN = "admin"  # accounts, releases, audit
    MONITOR = "monitor"  # metrics
    TRADER = "trader"  # orders, deals, retirements of an own account
    EXCHANGE = "exchange"  # sessions, halts, auctions, deposits, surveillance
    VERIFIER = "verifier"  # issues verified credits
    SEEKER = "seeker"  # an own profile, applications
    EMPLOYER = "employer"  # own vacancies, candidates
    MANPOWER = "manpower"  # the manpower office: match runs, parity
    EMPLOYEE = "employee"  # own personnel requests
    OFFICER = "officer"  # the personnel desk
    HEAD = "head"  # signs decisions
    LIBRARIAN = "librarian"  # documents of LARAS
    SIGNALS = "signals"  # junctions, roll-outs
    FEED = "feed"  # a city platform or a device: live readings in, and out again
    ANALYST = "analyst"  # runs and what-ifs

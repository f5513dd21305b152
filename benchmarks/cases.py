"""What a moderator waits for in a group with many cases: one of them, the list, what is offered.

Run with `make bench`. Medians over several rounds, on both engines, of the record's part: what
Discord itself takes comes on top.
"""

import asyncio
import os
import random
import sys
import time
from datetime import timedelta

from sqlalchemy import insert

from benchmarks.aims import median, show
from benchmarks.crowd import GROUP, NOW, Crowd, open_filled
from bot.domain.breaches import CaseEvent, CaseState, Clause, Evidence, ReportForm, Side, Source
from bot.domain.entitlement import Office, Viewer
from bot.services.cases import desk
from bot.services.cases.opening import Desk
from bot.storage import case_reports, cases, officers, versions
from bot.storage.case_tables import breach_cases, breach_reports, breach_timeline
from bot.storage.database import Database, Transaction
from bot.storage.sealing import person_ref, seal_json, seal_text

AIM = 50.0
"""Milliseconds that opening a case, or an offer, may take."""

CASES = 10_000
PEOPLE = 3_000
MODERATORS = tuple(range(1, 11))
OWNER = 20
ESCALATION = (30, 31)
DESK = Desk(group_key=GROUP, owner_id=OWNER)
MODERATOR = Viewer(member_id=1, is_moderator=True)
ESCALATED = Viewer(member_id=30, is_escalation=True)
BATCH = 1_000
WORDS = "Something that was said in confidence was told outside the group. " * 10


async def fill(tx: Transaction, count: int) -> None:
    """Cases in every state, about and from people who come up again, some of them moderators."""
    chance = random.Random(7)
    await versions.add_group(tx, GROUP, 1, NOW)
    await officers.begin(tx, GROUP, "roles", NOW)
    await officers.add_seen(tx, GROUP, Office.MODERATOR, MODERATORS, NOW)
    await officers.add_seen(tx, GROUP, Office.ESCALATION, ESCALATION, NOW)
    await officers.complete(tx, GROUP, NOW)
    form = seal_json(tx, {**_form(), "incident_on": None})
    words = seal_text(tx, "A step of a case, in words.")
    people = [chance.randrange(1, PEOPLE) for _ in range(2 * count)]
    sealed = {one: (seal_json(tx, one), person_ref(tx, GROUP, one)) for one in set(people)}
    for start in range(0, count, BATCH):
        numbers = range(start + 1, min(start + BATCH, count) + 1)
        await tx.execute(
            insert(breach_cases), [_case(n, sealed[people[2 * n - 1]], chance) for n in numbers]
        )
        reports = [(n, *sealed[people[2 * n - 2]]) for n in numbers]
        await tx.execute(
            insert(breach_reports),
            [
                {
                    "case_id": n,
                    "reporter": token,
                    "reporter_ref": ref,
                    "form": form,
                    "received_at": NOW,
                }
                for n, token, ref in reports
            ],
        )
        steps = [
            {
                "case_id": n,
                "at": NOW,
                "kind": kind,
                "side": Side.REPORTER if kind is CaseEvent.REPORTED else Side.PLEDGE,
                "text": words,
            }
            for n in numbers
            for kind in (CaseEvent.REPORTED, CaseEvent.REMINDED, CaseEvent.REMINDED)
        ]
        await tx.execute(insert(breach_timeline), steps)


def _form() -> dict[str, object]:
    form = ReportForm(what=WORDS, clause=Clause.COVERED, source=Source.COMMAND)
    return {name: getattr(form, name) for name in form.__dataclass_fields__}


def _case(number: int, accused: tuple[bytes, str], chance: random.Random) -> dict[str, object]:
    state = chance.choice(list(CaseState))
    is_over = state in (CaseState.DECIDED, CaseState.CLOSED)
    return {
        "id": number,
        "group_key": GROUP,
        "case_number": number,
        "state": state,
        "opened_at": NOW - timedelta(hours=number),
        "clause": Clause.COVERED,
        "accused": accused[0],
        "accused_ref": accused[1],
        "decided_at": NOW if is_over else None,
        "closed_at": NOW if state is CaseState.CLOSED else None,
        "outcome": "reminder" if is_over else None,
    }


async def grow(database: Database, number: int) -> None:
    """Give one case what a long one has: several reports, files, and many steps."""
    form = ReportForm(what=WORDS, clause=Clause.COVERED, source=Source.COMMAND)
    about = Evidence(
        name="a.png", media_type="image/png", received_sha256="a" * 64, kept_sha256="a" * 64
    )
    async with database.write() as tx:
        case = await cases.get_by_number(tx, GROUP, number)
        for reporter in range(PEOPLE, PEOPLE + 3):
            report_id = await case_reports.add(tx, case.id, reporter, form, NOW)
            await case_reports.add_evidence(tx, case.id, report_id, about, b"x" * 500_000, NOW)
        for _ in range(40):
            await cases.add_step(tx, case, CaseEvent.REMINDED, Side.PLEDGE, NOW, text=WORDS)


async def measure(crowd: Crowd, count: int) -> None:
    """Print the medians in milliseconds."""
    database = crowd.database
    every = list(CaseState)
    number = next(
        case.case_number
        for case in await desk.list_choices(database, DESK, MODERATOR, every, "5", 25)
    )
    await grow(database, number)
    waits = {
        "show, a long case": lambda: desk.show(database, DESK, MODERATOR, number, NOW),
        "list, first page": lambda: desk.list_cases(database, DESK, MODERATOR, every, 0, 10),
        "list, last page": lambda: desk.list_cases(database, DESK, MODERATOR, every, count, 10),
        "offered, nothing typed": lambda: desk.list_choices(
            database, DESK, MODERATOR, every, "", 25
        ),
        "offered, 77 typed": lambda: desk.list_choices(database, DESK, MODERATOR, every, "77", 25),
        "offered, no such case": lambda: desk.list_choices(
            database, DESK, MODERATOR, every, "99999", 25
        ),
        "offered, escalation": lambda: desk.list_choices(database, DESK, ESCALATED, every, "", 25),
    }
    for name, work in waits.items():
        show(name, await median(work, elsewhere=crowd.server), AIM)


async def main(count: int) -> None:
    """Print the figures."""
    for engine in ("sqlite", "postgresql"):
        begin = time.perf_counter()
        async with open_filled(engine, lambda tx: fill(tx, count)) as crowd:
            print(f"{engine}: {count:,} cases ({time.perf_counter() - begin:.0f} s)")
            await measure(crowd, count)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else CASES))

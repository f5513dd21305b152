"""What must be true in a made-up world at every moment, and in the end."""

import asyncio
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import discord.http
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from simcord.backend import Backend
from sqlalchemy import select, text

from bot.domain.agreements import OPEN_STATES
from bot.domain.effects import EffectKind, EffectState
from bot.storage.database import Database
from bot.storage.tables import effects, signature_requests, signatures
from tests.cogs.conftest import make_group
from tests.factories import GUILD, KEYS, make_agreement
from tests.simulation.conftest import ENFORCED, build_server, connect
from tests.simulation.live import Live
from tests.simulation.wire import Fault, SimulatedSleep, Wire

PEOPLE, SETTLED = 5, 3
IN_MEMORY = Path("/dev/shm")  # noqa: S108
"""Where there is one, the database need not wait for a disk."""

RECEIPT = re.compile(r"receipt number is `([0-9A-Z-]{14})`")

UNFINISHED = (EffectState.PENDING, EffectState.RUNNING, EffectState.HELD)

done = Counter[str]()
"""How often each thing happened, over all worlds."""


@dataclass
class Person:
    """Somebody, and all that can be known about what the record must say of them.

    `signed` is what they said last about the text in force; None when nobody could know, as
    after a refusal by button and a ✅ that came while the bot was away. `unseen` is what they said
    last, and `left_unseen` that they left, perhaps to return, when the bot was away. `in_grace`
    is that only time will tell: they had signed the text before this one.
    """

    id: int
    signed: bool | None = False
    receipts: set[str] = field(default_factory=set)
    in_grace: bool = False
    refused_inside: bool = False
    given_by_hand: bool = False
    suspended: bool = False
    unseen: bool = False
    left_unseen: bool = False

    def doubt(self) -> None:
        """Nobody can know what they said last."""
        self.signed, self.in_grace = None, False


class World(RuleBasedStateMachine):
    """One server and the bot that looks after it, with what is known of the people."""

    template: Path
    """An empty database, to copy."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self.backend = Backend()
        self.patch = mock.patch.object(discord.http, "asyncio", SimulatedSleep(self.backend))
        self.patch.start()
        self.texts = 1
        self.people: list[Person] = []
        self.closed: Fault | None = None
        self.role_is = "there"

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def build(self) -> None:
        self.run(self._build())

    async def _build(self) -> None:
        path = Path(self.folder.name) / "pledge.db"
        shutil.copy(self.template, path)
        groups = [make_group(agreement=make_agreement(purpose="Text 1."))]
        build_server(self.backend, groups)
        database = await Database.open(f"sqlite:///{path}", KEYS)
        wire = Wire(self.backend)
        self.live = Live(connect(groups, database, wire), wire)
        await self.live.publish()
        await self.live.start()
        for number in range(PEOPLE):
            user = self.backend.make_user(f"test-{number}")
            self.people.append(Person(user.id))
        for person in self.people[:SETTLED]:
            self.live.join(person.id)
        await self.live.settle()

    # --- who can do what ------------------------------------------------------------------------

    def here(self) -> list[Person]:
        return [p for p in self.people if p.id in self.backend.get_guild(GUILD).members]

    def admitted(self) -> list[Person]:
        members = self.backend.get_guild(GUILD).members
        return [p for p in self.here() if not members[p.id].pending]

    def asked(self) -> list[Person]:
        return [p for p in self.people if self.live.requests_of(p.id)]

    def note(self, what: str) -> None:
        done[what] += 1

    async def _pass(self, at_once: bool) -> None:
        """Let the bot do what there is to do, or only begin with it."""
        if not self.live.is_online:
            return
        if at_once:
            await asyncio.sleep(0)
        else:
            await self.live.settle()

    def _change_the_role(self, what: str) -> None:
        if what == self.role_is:
            return
        if what == "gone":
            self.backend.delete_role(GUILD, self.live.role_id)
            for person in self.people:
                person.given_by_hand = False
        else:
            if self.role_is == "gone":
                self.backend.create_role(GUILD, str(self.live.group.roles.member))
            position = 70 if what == "too high" else 2
            self.backend.edit_role(GUILD, self.live.role_id, {"position": position})
        self.role_is = what
        self.note(f"role {what}")

    # --- what must be true ----------------------------------------------------------------------

    @invariant()
    def nothing_is_wrong_at_the_moment(self) -> None:
        if self.people:
            self.run(self._check_now())

    async def _check_now(self) -> None:
        if self.live.errors:
            raise BaseExceptionGroup("the bot raised errors", self.live.errors)
        if self.live.is_online:
            await self.live.settle()
        self._collect_receipts()
        given, queued = await self._signatures(), await self._queued()
        recorded = {(who, number) for who, number, _ in given}
        confirmed = {(person.id, number) for person in self.people for number in person.receipts}
        assert confirmed <= recorded, "confirmed, and not recorded"
        if self.live.is_online:
            covered = {who for who, _, counts in given if counts} | queued
            for person in self.holders():
                is_handled = person.id in queued or person.given_by_hand
                assert is_handled or not person.suspended, "in while suspended"
                assert person.id in covered or person.given_by_hand, "in unsigned"

    def holders(self) -> list[Person]:
        if self.role_is == "gone":
            return []
        return [person for person in self.here() if self.live.has_role(person.id)]

    def _collect_receipts(self) -> None:
        for person in self.people:
            for content in self.live.messages_to(person.id):
                person.receipts.update(RECEIPT.findall(content))

    async def _signatures(self) -> list[tuple[int, str, bool]]:
        """Whose, which number, and whether it still counts."""
        columns = signatures.c
        query = select(columns.member_id, columns.receipt_number, columns.revoked_at.is_(None))
        async with self.live.database.read() as tx:
            return [(row[0], row[1], bool(row[2])) for row in await tx.execute(query)]

    async def _queued(self) -> set[int]:
        """People whose role is still to be changed."""
        columns = effects.c
        query = select(columns.member_id).where(
            columns.kind == EffectKind.ALIGN_ROLE, columns.state.in_(UNFINISHED)
        )
        async with self.live.database.read() as tx:
            return set((await tx.execute(query)).scalars())

    def teardown(self) -> None:
        try:
            if self.people:
                self.run(self._finish())
        finally:
            self.patch.stop()
            self.loop.close()
            self.folder.cleanup()

    async def _finish(self) -> None:
        try:
            await self._reconcile()
            await self._check_end()
        finally:
            await self.live.stop()
            await self.live.database.close()

    async def _reconcile(self) -> None:
        """Everything is mended, the bot comes back and has all the time it wants."""
        self.live.wire.faults.clear()
        if self.live.is_online:
            await self.live.stop()
        self._change_the_role("there")
        await self.live.start()
        await self.live.finish(2 * 86_400)

    async def _check_end(self) -> None:
        rows = await self.live.outbox()
        over = (EffectState.DONE, EffectState.DROPPED)
        left = [(row.kind, row.state, row.outcome) for row in rows if row.state not in over]
        assert left == []
        assert all(row.outcome for row in rows)
        await self._check_now()
        given = await self._signatures()
        valid = {who for who, _, counts in given if counts}
        admitted = self.admitted()
        for person in self.here():
            has_role = self.live.has_role(person.id)
            if person in admitted:
                is_out = person.id not in valid or person.suspended
                assert has_role or is_out, "signed, and out"
            # Whoever gave it, and whatever else is settled: every sweep takes it.
            assert not (has_role and person.suspended), "in while suspended"
            by_hand = person.given_by_hand and not ENFORCED
            assert not has_role or person.id in valid or by_hand, "in unsigned"
        await self.check_what_people_said()
        await self._check_nothing_is_there_twice([number for _, number, _ in given])
        await self._check_constraints()

    async def check_what_people_said(self) -> None:
        """Whatever each of those who are here said last is what the record says."""
        valid = {who for who, _, counts in await self._signatures() if counts}
        admitted = self.admitted()
        for person in self.here():
            # Messages of people who have left are not read until they are back and have passed
            # the screening; until then they have no role, and then it waits for the reading.
            is_read = person in admitted or not person.unseen
            if person.signed is not None and is_read:
                assert (person.id in valid) is person.signed, "the record says otherwise"

    async def _check_nothing_is_there_twice(self, receipts: list[str]) -> None:
        async with self.live.database.read() as tx:
            query = select(signature_requests.c.member_id, signature_requests.c.state)
            asked = [(row[0], row[1]) for row in await tx.execute(query)]
        open_ = Counter(who for who, state in asked if state in OPEN_STATES)
        assert all(count == 1 for count in open_.values())
        for person in self.people:
            said = Counter(self.live.messages_to(person.id))
            for content, count in said.items():
                if "Thank you" in content:
                    assert count == 1, content
                if "I promise." in content or "Text " in content:
                    assert count <= sum(1 for who, _ in asked if who == person.id), content
        assert len(receipts) == len(set(receipts))

    async def _check_constraints(self) -> None:
        async with self.live.database.read() as tx:
            assert (await tx.execute(text("PRAGMA foreign_key_check"))).all() == []
            assert (await tx.execute(text("PRAGMA integrity_check"))).all() == [("ok",)]

"""What a facilitator's list says of everybody is what the rules say of each, on both engines."""

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from bot.domain.agreements import (
    OPEN_STATES,
    Change,
    Method,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
    Standing,
    VersionState,
    standing_of,
)
from bot.storage import requests, signatures, standings, tables, versions
from bot.storage.database import Database, Transaction
from tests.factories import FACILITATOR, NOW, make_agreement

PEOPLE = 40
WORLDS = 18
DAY = timedelta(days=1)
CLOSED_STATES = (RequestState.EXPIRED, RequestState.CANCELLED)
# More of the one that counts only together with an answered request.
REASONS = (*RevokeReason, RevokeReason.WITHDRAWN, RevokeReason.WITHDRAWN, RevokeReason.WITHDRAWN)
# One before, one at and one after the instant that is asked about, and "never".
INSTANTS = (None, NOW - DAY, NOW, NOW + DAY)


class World:
    """Rows of one group: versions, people, what they were asked and what they signed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._first_id = seed * 1_000 + 1
        self.group_key = f"group-{seed}"
        self.versions = self._make_versions()
        if seed % 2 == 0:
            self.versions[-1]["material_number"] = len(self.versions)
        self.requests: list[dict[str, Any]] = []
        self.signatures: list[dict[str, Any]] = []
        for number in range(PEOPLE):
            self._make_person(self._first_id + number)

    def _make_versions(self) -> list[dict[str, Any]]:
        count = self._chance.randint(2, 4)
        # A group with signatures and nothing in force cannot come about; it must open no door.
        newest = VersionState.PUBLISHED if self._chance.random() < 0.9 else VersionState.SUPERSEDED
        return [
            {
                "id": self._first_id + number,
                "group_key": self.group_key,
                "number": number,
                "state": newest if number == count else VersionState.SUPERSEDED,
                "text": make_agreement().canonical(),
                "sha256": make_agreement().sha256(),
                "created_at": NOW - 100 * DAY,
                "material_number": self._chance.randint(1, number),
                "change": Change.MATERIAL,
                "published_by": FACILITATOR,
                "published_at": NOW - 90 * DAY,
                "outdated_at": self._chance.choice(INSTANTS),
            }
            for number in range(1, count + 1)
        ]

    def _make_person(self, member_id: int) -> None:
        for _ in range(self._chance.randint(0, 2)):
            self._make_request(member_id, self._chance.choice(CLOSED_STATES))
            for _ in range(self._chance.randint(0, 1)):
                self._make_signature(member_id, is_revoked=True)
        if self._chance.random() < 0.9 or not self.requests:
            self._make_request(member_id, self._chance.choice(OPEN_STATES))
        for is_revoked in self._chance.choice(((), (), (True,), (False,), (True, False))):
            self._make_signature(member_id, is_revoked=is_revoked)

    def _make_request(self, member_id: int, state: RequestState) -> None:
        request_id = self._first_id + len(self.requests)
        self.requests.append(
            {
                "id": request_id,
                "group_key": self.group_key,
                "member_id": member_id,
                "state": state,
                "created_at": self._some_time_ago(),
                "version_id": self._chance.choice(self.versions)["id"],
                "message_id": request_id,
                "answered_at": self._chance.choice((None, self._some_time_ago())),
                "left_at": self._chance.choice((None, None, None, NOW - DAY)),
            }
        )

    def _make_signature(self, member_id: int, *, is_revoked: bool) -> None:
        signature_id = self._first_id + len(self.signatures)
        self.signatures.append(
            {
                "id": signature_id,
                "group_key": self.group_key,
                "request_id": self.requests[-1]["id"],
                "member_id": member_id,
                "version_id": self._chance.choice(self.versions)["id"],
                "sha256": make_agreement().sha256(),
                "receipt_number": f"R-{signature_id}",
                "method": self._chance.choice(list(Method)),
                "signed_at": self._some_time_ago(),
                "expires_at": self._chance.choice(INSTANTS),
                "revoked_at": self._some_time_ago() if is_revoked else None,
                "revoke_reason": self._chance.choice(REASONS) if is_revoked else None,
            }
        )

    def _some_time_ago(self) -> datetime:
        return NOW - timedelta(seconds=self._chance.randint(1, 5_000_000))

    async def add_to(self, tx: Transaction) -> None:
        await versions.add_group(tx, self.group_key, 1, NOW - 100 * DAY)
        await tx.execute(insert(tables.agreement_versions), self.versions)
        await tx.execute(insert(tables.signature_requests), self.requests)
        await tx.execute(insert(tables.signatures), self.signatures)


def since_of(
    standing: Standing,
    request: SignatureRequest,
    newest: Signature | None,
) -> datetime | None:
    """When somebody came to stand there."""
    if standing in (Standing.WAITING, Standing.BLOCKED):
        return request.created_at
    if standing is Standing.DECLINED:
        return request.answered_at or request.created_at
    assert newest is not None
    if standing is Standing.SIGNED:
        return newest.signed_at
    ran_out = None if newest.lasts(NOW) else newest.expires_at
    return newest.revoked_at or ran_out or newest.outdated_at or newest.signed_at


async def test_list_and_counts_say_of_everybody_what_the_rules_say(database: Database) -> None:
    worlds = [World(seed) for seed in range(1, WORLDS + 1)]
    async with database.write() as tx:
        for world in worlds:
            await world.add_to(tx)
    seen: Counter[Standing] = Counter()
    for world in worlds:
        async with database.read() as tx:
            seen += await compare(tx, world)
    # The worlds are worth something only when they hold everything there is.
    assert min(seen[standing] for standing in Standing) >= 5, seen


async def compare(tx: Transaction, world: World) -> Counter[Standing]:
    key = world.group_key
    in_force = await versions.find_in_force(tx, key)
    expected: dict[int, tuple[Standing, datetime | None]] = {}
    for member_id in sorted({row["member_id"] for row in world.requests}):
        request = await requests.find_open(tx, key, member_id)
        given = await signatures.list_of_member(tx, key, member_id)
        standing = standing_of(request, given, in_force, NOW)
        if request is None or request.left_at is not None:
            continue
        assert standing is not None
        since = since_of(standing, request, given[-1] if given else None)
        expected[member_id] = (standing, since)

    async def listed(
        standing: Standing | None, offset: int = 0, limit: int = 1_000
    ) -> list[tuple[int, Standing, datetime]]:
        people = await standings.list_standings(
            tx, key, in_force, NOW, standing=standing, offset=offset, limit=limit
        )
        return [(person.member_id, person.standing, person.since) for person in people]

    everybody = await listed(None)
    assert {who: (standing, since) for who, standing, since in everybody} == expected
    assert len(everybody) == len(expected)
    counts = Counter(standing for standing, _ in expected.values())
    assert await standings.count_standings(tx, key, in_force, NOW) == counts
    for standing in Standing:
        assert await listed(standing) == [row for row in everybody if row[1] is standing]
    pages = [row for offset in range(0, PEOPLE, 7) for row in await listed(None, offset, 7)]
    assert pages == everybody
    batches = [batch async for batch in standings.read_everybody(tx, key, in_force, NOW, 7)]
    read = [(one.member_id, one.standing, one.since) for batch in batches for one in batch]
    assert read == everybody
    return counts

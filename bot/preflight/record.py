"""What the record says about who has signed, where there is a record to ask."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.domain.errors import NoDatabaseError, StorageError
from bot.domain.inspection import Finding, Gravity, Matter
from bot.effects.removal import removal_rule
from bot.keys import Keyring
from bot.services import records, removals
from bot.settings import Group
from bot.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An open database, or the reason why there is none; `trouble` is empty before the start."""

    database: Database | None
    trouble: str = ""

    @classmethod
    async def find(cls, url: str, keys: Keyring) -> Self:
        """Open the database as it is, without making or changing anything."""
        try:
            return cls(database=await Database.open(url, keys, migrate=False))
        except NoDatabaseError:
            return cls(database=None)
        except StorageError as error:
            return cls(database=None, trouble=str(error))

    async def close(self) -> None:
        """Close what `find` opened."""
        if self.database is not None:
            await self.database.close()

    async def list_valid(
        self, group_key: str, member_ids: Sequence[int], now: datetime
    ) -> set[int]:
        """Which of these people may read: by a signature, or as members from before Pledge."""
        if self.database is None or not member_ids:
            return set()
        return await records.list_valid_members(self.database, group_key, member_ids, now)

    async def has_started(self, group_key: str) -> bool:
        """Whether people of the group can have signed."""
        return self.database is not None and await records.has_started(self.database, group_key)

    async def count_adopted(self, group_key: str) -> int:
        """How many members from before Pledge keep the role without a signature."""
        return await records.count_adopted(self.database, group_key) if self.database else 0

    async def inspect_removals(
        self, group: Group, groups: Sequence[Group], now: datetime
    ) -> list[Finding]:
        """How many people would be removed if they stay silent, and when, where that is set."""
        rule = removal_rule(group, groups)
        if rule is None or self.database is None:
            return []
        outlook = await removals.find_outlook(self.database, rule, now)
        if outlook is None:
            return []
        return [
            Finding(
                gravity=Gravity.NOTE,
                matter=Matter.REMOVALS,
                group_key=group.key,
                place="signing.remove_unsigned_after_days",
                count=outlook.people,
                detail=f"{outlook.first_at:%Y-%m-%d}",
            )
        ]

    async def list_forgotten(
        self, configured: Collection[str], guild_id: int | None = None
    ) -> list[Finding]:
        """Groups that the record knows and the settings do not; of one server, or of all."""
        known = await records.list_known_groups(self.database) if self.database else {}
        keys = [
            key
            for key, where in known.items()
            if key not in configured and guild_id in (None, where)
        ]
        if not keys:
            return []
        names = tuple(keys)
        return [Finding(gravity=Gravity.NOTE, matter=Matter.GROUP_UNCONFIGURED, names=names)]

    def findings(self) -> Iterator[Finding]:
        """What is to be said about the record itself."""
        if self.trouble:
            matter = Matter.RECORD_UNREADABLE
            yield Finding(gravity=Gravity.BROKEN, matter=matter, detail=self.trouble)
        elif self.database is None:
            yield Finding(gravity=Gravity.NOTE, matter=Matter.NO_RECORD)

"""Reads the committed record of a database that another process writes."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.effects import Report, unpack
from bot.storage.database import _connect
from tests.factories import KEYS

Row = tuple[Any, ...]
FILE_KEY = KEYS.derive("sqlite-file").hex()
HIGH_WATER = (
    "SELECT (SELECT coalesce(max(id), 0) FROM signatures),"
    " (SELECT count(*) FROM signatures WHERE revoked_at IS NOT NULL),"
    " (SELECT coalesce(max(id), 0) FROM signature_requests),"
    " (SELECT count(*) FROM effects WHERE finished_at IS NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Record:
    """A database file, opened for each question: nothing of ours may keep it from recovering."""

    path: Path

    def ask(self, query: str, *values: object) -> list[Row]:
        connection = _connect(f"{self.path.absolute().as_uri()}?mode=ro", FILE_KEY)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def unfinished(self) -> int:
        """Effects that are still to be carried out."""
        query = "SELECT count(*) FROM effects WHERE state IN ('pending', 'running')"
        return self.ask(query)[0][0]

    def signers(self) -> set[int]:
        """People whose signature stands."""
        return {
            row[0] for row in self.ask("SELECT member_id FROM signatures WHERE revoked_at IS NULL")
        }

    def adopted(self) -> set[int]:
        """Members from before Pledge who keep the role for a grace."""
        query = "SELECT member_id FROM holders WHERE adopted_at IS NOT NULL"
        return {row[0] for row in self.ask(query)}

    def is_published(self) -> bool:
        """Whether anything is in force; before that nobody can have signed."""
        query = "SELECT count(*) FROM agreement_versions WHERE state = 'published'"
        return self.ask(query)[0][0] > 0

    def heads(self) -> Counter[str]:
        """The heads of the ledger that were posted, as far as the record goes."""
        query = "SELECT detail FROM effects WHERE kind = 'report' AND outcome = 'told'"
        said = [unpack(row[0]) for row in self.ask(query)]
        return Counter(
            f"{facts['position']}:{facts['hash']}"
            for word, facts in said
            if word is Report.LEDGER_HEAD
        )

    def may_hold_role(self, member_id: int) -> bool:
        """Whether the role of this person is in order: signed, or about to be taken away."""
        query = (
            "SELECT (SELECT count(*) FROM signatures WHERE member_id = ?1 AND revoked_at IS NULL)"
            " OR ((SELECT count(*) FROM signatures WHERE member_id = ?1) AND (SELECT count(*)"
            " FROM effects WHERE member_id = ?1 AND kind = 'align_role'"
            " AND state IN ('pending', 'running')))"
        )
        return bool(self.ask(query, member_id)[0][0])

    def requests(self, member_id: int) -> list[Row]:
        query = (
            "SELECT state, left_at IS NOT NULL, accept_seen_at IS NOT NULL FROM signature_requests"
            " WHERE member_id = ? ORDER BY id"
        )
        return self.ask(query, member_id)

    def signatures(self, member_id: int) -> list[Row]:
        query = "SELECT method, revoke_reason FROM signatures WHERE member_id = ? ORDER BY id"
        return self.ask(query, member_id)

    def high_water(self) -> tuple[int, int, int, int]:
        """How far the record has come; it never goes back."""
        return self.ask(HIGH_WATER)[0]  # type: ignore[return-value]

    def reasons(self, member_id: int) -> Counter[str]:
        """How many times the outbox was to tell this person what, by notice."""
        query = (
            "SELECT detail, count(*) FROM effects WHERE member_id = ? AND kind = 'notice'"
            " GROUP BY detail"
        )
        return Counter(dict(self.ask(query, member_id)))

    def receipts(self) -> list[str]:
        return [row[0] for row in self.ask("SELECT receipt_number FROM signatures ORDER BY id")]

    def versions(self) -> list[Row]:
        return self.ask("SELECT number, state, published_by FROM agreement_versions ORDER BY id")

    def integrity(self) -> list[str]:
        return [row[0] for row in self.ask("PRAGMA integrity_check")]

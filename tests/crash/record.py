"""Reads the committed record of a database that another process writes."""

import hmac
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.effects import Report, unpack
from bot.storage.database import _connect
from bot.storage.sealing import PERSON_KEY
from tests.factories import KEYS

Row = tuple[Any, ...]
FILE_KEY = KEYS.derive("sqlite-file").hex()
HIGH_WATER = (
    "SELECT (SELECT coalesce(max(id), 0) FROM signatures),"
    " (SELECT count(*) FROM signatures WHERE revoked_at IS NOT NULL),"
    " (SELECT coalesce(max(id), 0) FROM signature_requests),"
    " (SELECT count(*) FROM effects WHERE finished_at IS NOT NULL)"
)

CASES = {
    "cases": "SELECT case_number, state, outcome, claimed_by FROM breach_cases",
    "reports": "SELECT case_id, withdrawn_at IS NOT NULL FROM breach_reports",
    "timeline": (
        "SELECT case_id, kind, side, actor_id FROM breach_timeline WHERE kind <> 'carried_out'"
    ),
    "letters": (
        "SELECT case_id, side, kind, delivered_at IS NOT NULL, undelivered_at IS NOT NULL,"
        " answered_at IS NOT NULL FROM breach_letters"
    ),
    "decisions": (
        "SELECT case_id, outcome, decided_by, appeal_of IS NOT NULL, appealed_at IS NOT NULL"
        " FROM breach_decisions"
    ),
    "suspensions": "SELECT case_id, provisional, ended_at IS NOT NULL FROM suspensions",
    "drafts": "SELECT case_id FROM breach_drafts",
}
"""That a decision was carried out is noted in the rounds of a timer, which no run here waits for:
a start may note it earlier. That it is noted once at the most is looked at by itself."""


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

    def is_paused(self, group_key: str, member_id: int) -> bool:
        """Whether a case keeps this person from the channel, whatever they have signed."""
        key = KEYS.lookup(PERSON_KEY)
        ref = hmac.new(key, f"{group_key}:{member_id}".encode(), "sha256").hexdigest()
        query = "SELECT count(*) FROM suspensions WHERE member_ref = ? AND ended_at IS NULL"
        return self.ask(query, ref)[0][0] > 0

    def case_state(self, number: int = 1) -> str | None:
        """Where a case stands; None when there is none of this number."""
        rows = self.ask("SELECT state FROM breach_cases WHERE case_number = ?", number)
        return rows[0][0] if rows else None

    def steps(self) -> Counter[str]:
        """What was done with the cases, by kind."""
        query = "SELECT kind, count(*) FROM breach_timeline GROUP BY kind"
        return Counter(dict(self.ask(query)))

    def noted_too_often(self) -> list[Row]:
        """Cases in which more was noted as carried out than was decided."""
        query = (
            "SELECT case_number FROM breach_cases AS c WHERE"
            " (SELECT count(*) FROM breach_timeline WHERE case_id = c.id AND kind = 'carried_out')"
            " > (SELECT count(*) FROM breach_decisions WHERE case_id = c.id)"
        )
        return self.ask(query)

    def cases(self) -> dict[str, list[Row]]:
        """All that is recorded of cases but for words, dates and who has looked."""
        return {what: sorted(self.ask(query), key=repr) for what, query in CASES.items()}

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

    def forgotten(self) -> Row:
        """How many proofs there are, how many lead to somebody, and what the ledger lost."""
        query = (
            "SELECT (SELECT count(*) FROM proofs), (SELECT count(subject) FROM proofs),"
            " (SELECT count(*) FROM ledger_entries WHERE payload IS NULL)"
        )
        return self.ask(query)[0]

    def integrity(self) -> list[str]:
        return [row[0] for row in self.ask("PRAGMA integrity_check")]

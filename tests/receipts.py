"""A small ledger in memory, and receipts from it, for tests that need no database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import merkle
from bot.domain.checkpoints import Checkpoint, Covering, Link, Way
from bot.domain.ledger import GENESIS, Entry, Facts, Head, LedgerKind, canonical, commit
from bot.domain.receipts import (
    Receipt,
    Witness,
    facts_of_end,
    facts_of_facilitator,
    facts_of_member,
)
from bot.domain.translations import Translation
from tests.factories import FACILITATOR, GUILD, NEWCOMER, make_agreement

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
GROUP = "harbour-light"
NUMBER = "7KQ4-M2XD-9RTA"


class Book:
    """A ledger whose entries are written by hand."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.checkpoints: list[int] = []

    def add(self, kind: LedgerKind, facts: Facts, *, subject: str | None = None) -> Entry:
        salt, payload = f"{len(self.entries):064x}", canonical(facts)
        entry = Entry(
            position=len(self.entries) + 1,
            group_key=GROUP,
            kind=kind.value,
            recorded_at=NOW + timedelta(seconds=len(self.entries)),
            subject=subject,
            commitment=commit(salt, payload),
            hash=GENESIS,
            salt=salt,
            payload=payload,
        )
        entry = replace(entry, hash=entry.hash_after(self.previous(entry)))
        self.entries.append(entry)
        return entry

    def others(self, count: int) -> None:
        for number in range(count):
            self.add(LedgerKind.GRANTED, {"member_id": number})

    def previous(self, entry: Entry) -> str:
        return GENESIS if entry.position == 1 else self.entries[entry.position - 2].hash

    def link(self, entry: Entry) -> Link:
        return Link(entry=entry, previous=self.previous(entry))

    def checkpoint(self) -> Entry:
        covering = Covering(self.checkpoints[-1] if self.checkpoints else 1)
        for entry in self.entries[covering.first - 1 :]:
            covering.add(entry.hash, entry.kind)
        earlier = self.earlier()
        said = Checkpoint(
            first=covering.first,
            last=covering.last,
            root=covering.tree.root(),
            earlier=len(earlier),
            earlier_root=merkle.root(earlier),
            server_id=GUILD,
        )
        self.checkpoints.append(len(self.entries) + 1)
        return self.add(LedgerKind.CHECKPOINT, said.facts())

    def earlier(self) -> list[str]:
        return [self.entries[position - 1].hash for position in self.checkpoints]

    def witness(self, entry: Entry, head: Entry) -> Witness:
        position = next(p for p in self.checkpoints if p > entry.position)
        checkpoint = self.entries[position - 1]
        said = Checkpoint.parse(checkpoint.payload or "")
        top = Checkpoint.parse(head.payload or "")
        assert said is not None
        assert top is not None
        leaves = [one.hash for one in self.entries[said.first - 1 : said.last]]
        path = merkle.audit_path(leaves, entry.position - said.first, len(leaves))
        up: tuple[str, ...] = ()
        if checkpoint != head:
            up = merkle.audit_path(self.earlier()[: top.earlier], said.earlier, top.earlier)
        way = Way(path=path, checkpoint=self.link(checkpoint), checkpoint_path=up)
        return Witness(link=self.link(entry), way=way)


def make_receipt(**changes: object) -> Receipt:
    """A receipt that is in order; `changes` are of the story it tells, not only of its file."""
    agreement = make_agreement()
    nothing = Witness(
        link=Link(entry=Book().add(LedgerKind.GRANTED, {}), previous=GENESIS), way=None
    )
    receipt = Receipt(
        issued_at=NOW + timedelta(days=2),
        group_key=GROUP,
        group_name="Harbour Light",
        server_id=GUILD,
        receipt_number=NUMBER,
        version=3,
        sha256=agreement.sha256(),
        text=agreement.canonical(),
        shown=Translation.of("es", make_agreement(title="Lo que se dice aquí")),
        facilitator_id=FACILITATOR,
        published_at=NOW,
        member_id=NEWCOMER,
        method="reaction",
        message_id=800_000_000_000_000_001,
        signed_at=NOW + timedelta(days=1),
        signed_after=NOW + timedelta(hours=3),
        expires_at=NOW + timedelta(days=366),
        attested_by=None,
        in_force=False,
        ended_at=NOW + timedelta(days=2),
        ended_after=NOW + timedelta(days=1, hours=7),
        reason="withdrawn",
        head=None,
        published=None,
        signed=nothing,
        ended=None,
    )
    receipt = replace(receipt, **changes)  # type: ignore[arg-type]
    book, subject = Book(), "5b" * 32
    book.others(3)
    published = book.add(LedgerKind.PUBLISHED, facts_of_facilitator(receipt))
    book.checkpoint()
    book.others(4)
    signed = book.add(LedgerKind.SIGNED, facts_of_member(receipt), subject=subject)
    book.others(2)
    ended: Entry | None = None
    if receipt.reason is not None:
        ended = book.add(LedgerKind.WITHDRAWN, facts_of_end(receipt), subject=subject)
    head = book.checkpoint()
    return replace(
        receipt,
        head=book.link(head),
        published=book.witness(published, head),
        signed=book.witness(signed, head),
        ended=None if ended is None else book.witness(ended, head),
    )


def head_of(receipt: Receipt) -> Head:
    head = receipt.posted_head()
    assert head is not None
    return head

"""What the page of a receipt costs: in its worker, and on the event loop meanwhile.

Run with `make bench`. The agreement is the one that comes with Pledge; the worker is warm, as it
is after the first receipt.
"""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.aims import Spent, show, watched
from bot.documents.press import Press
from bot.documents.receipt import print_receipt
from bot.domain.checkpoints import Link
from bot.domain.ledger import GENESIS, Entry
from bot.domain.receipt_file import write
from bot.domain.receipts import Receipt, Witness
from bot.settings import lint_agreement

ROUNDS = 30
AGREEMENT = Path(__file__).parent.parent / "config" / "agreements" / "default.en.yaml"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAGE_WITHIN = 150.0
"""Milliseconds that are aimed at."""


def make_receipt() -> bytes:
    """A receipt as long as real ones are."""
    agreement = lint_agreement(AGREEMENT).agreement
    entry = Entry(
        position=1_000_000,
        group_key="harbour-light",
        kind="signed",
        recorded_at=NOW,
        subject=GENESIS,
        commitment=GENESIS,
        hash=GENESIS,
        salt=GENESIS,
        payload="{}",
    )
    link = Link(entry=entry, previous=GENESIS)
    return write(
        Receipt(
            issued_at=NOW,
            group_key="harbour-light",
            group_name="Harbour Light",
            server_id=100000000000000001,
            receipt_number="AAAA-BBBB-CCCC",
            version=3,
            sha256=agreement.sha256(),
            text=agreement.canonical(),
            shown=None,
            facilitator_id=100000000000000002,
            published_at=NOW,
            member_id=100000000000000003,
            method="reaction",
            message_id=100000000000000004,
            signed_at=NOW,
            signed_after=None,
            expires_at=NOW + timedelta(days=365),
            attested_by=None,
            in_force=True,
            ended_at=None,
            ended_after=None,
            reason=None,
            head=link,
            published=None,
            signed=Witness(link=link, way=None),
            ended=None,
        )
    )


def measured(file: bytes) -> bytes:
    """The CPU time of one page in milliseconds, measured where it is made."""
    start = time.process_time()
    print_receipt(file, "en")
    return str((time.process_time() - start) * 1000).encode()


async def print_many(press: Press, file: bytes, wall: list[float]) -> None:
    """One page after another; notes the milliseconds of each."""
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        await press.make(print_receipt, file, "en")
        wall.append((time.perf_counter() - begin) * 1000)


async def main() -> None:
    """Print the figures."""
    press, file = Press(), make_receipt()
    begin = time.perf_counter()
    page = await press.make(print_receipt, file, "en")
    first = (time.perf_counter() - begin) * 1000
    wall = list[float]()
    stall, _ = await watched(print_many(press, file, wall))
    cpu = [float(await press.make(measured, file)) for _ in range(ROUNDS)]
    await press.close()
    print(f"receipt: {len(file):,} bytes of JSON, {len(page):,} bytes of PDF")
    print(f"  first one, with the start of the worker: {first:.0f} ms")
    each = Spent(wall=statistics.median(wall), cpu=statistics.median(cpu))
    show(f"each in its worker, median of {ROUNDS}", each, PAGE_WITHIN)
    show("longest stall of the event loop", stall, None)


if __name__ == "__main__":
    asyncio.run(main())

"""What is held about one person as a file for programs."""

import json
from collections.abc import Mapping
from datetime import date, datetime

from bot.domain.ledger import instant
from bot.domain.privacy import OwnRecord, Part

FORMAT = "pledge own record 1"


def write_json(group: str, record: OwnRecord) -> bytes:
    """Everything a person may see of what is held about them, by purpose and by table.

    The names are those of the columns; instants are in UTC. No account stands in it but the
    person's own.
    """
    held = {
        part.value: _by_table(rows)
        for part in Part
        if (rows := [(row.table, row.values) for row in record.of(part)])
    }
    document = {
        "format": FORMAT,
        "group": group,
        "written_at": instant(record.read_at),
        "held": held,
    }
    return (json.dumps(document, indent=2, ensure_ascii=False, default=_write) + "\n").encode()


def _by_table(rows: list[tuple[str, Mapping[str, object]]]) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for table, values in rows:
        found.setdefault(table, []).append(dict(values))
    return found


def _write(value: object) -> str:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)

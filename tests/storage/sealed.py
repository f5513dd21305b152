"""Values encrypted on their own, in every place there is for one; and keys to change between."""

import base64

from sqlalchemy import select, update

from bot.keys import Keyring
from bot.storage import operator_keys, resealing
from bot.storage.database import Database, keys_of
from bot.storage.sealing import seal, unseal
from bot.storage.tables import operator_keys as operator_keys_table
from tests.factories import KEY
from tests.storage.rows import fill

NEW_KEY = base64.urlsafe_b64encode(b"a new key for tests, of 32 bytes").decode()
THIRD_KEY = base64.urlsafe_b64encode(b"a third one for tests, 32 bytes!").decode()
NEW = Keyring(NEW_KEY)
THIRD = Keyring(THIRD_KEY)
BOTH = Keyring(f"{NEW_KEY} {KEY}")
Sealed = dict[tuple[str, str, int], bytes]


async def fill_sealed(database: Database) -> Sealed:
    """Rows in every table, and a value of its own in every sealed column that has one."""
    await fill(database)
    async with database.write() as tx:
        await tx.execute(operator_keys_table.delete())
        await operator_keys.take_over(tx, keys_of(tx))
        for name, (table, columns) in resealing.SEALED.items():
            for column in columns:
                token = seal(tx, f"{name}.{column.name}".encode())
                filled = update(table).where(column.is_not(None))
                await tx.execute(filled.values({column.name: token}))
    return await read_sealed(database)


async def read_sealed(database: Database) -> Sealed:
    """What the values say, by table, column and row."""
    found: Sealed = {}
    async with database.read() as tx:
        for name, (table, columns) in resealing.SEALED.items():
            for column in columns:
                rows = await tx.execute(select(table.c.id, column).where(column.is_not(None)))
                for row_id, token in rows:
                    found[name, column.name, row_id] = unseal(tx, token)
    return found

"""What `pledge keygen --rotate` says in the terminal."""

import asyncio

from rich.console import Console

from bot.keys import Keyring
from bot.services import rotation
from bot.services.rotation import Rotated
from bot.terminal import bar

HOW_TO_CHANGE = (
    "To change the key, put a new one in front of it, restart Pledge, and type this command again;"
    " the README says how."
)


def rotate(url: str, keys: Keyring, console: Console) -> bool:
    """Encrypt everything with the newest key; returns whether the older keys can go now."""
    with bar(console, "Encrypting") as tell:
        done = asyncio.run(rotation.rotate(url, keys, tell))
    for line in _lines(done, given=len(keys.each)):
        console.print(line)
    return done.is_whole


def _lines(done: Rotated, given: int) -> list[str]:
    lines = [f"Encrypted anew with the key that stands first: {done.resealed.renewed} values."]
    if done.resealed.unreadable:
        lines.append(
            f"No key that is given opens {done.resealed.unreadable} values; they are as they were."
            " If there was another key, put it behind the others and type this command again. Keep"
            " every key."
        )
    elif not done.file_is_new:
        lines.append(
            "The database file as a whole still has an older key, because Pledge has it open."
            " Restart Pledge, and type this command again. Until then keep every key."
        )
    elif given == 1:
        lines = [f"Everything is encrypted with this one key already. {HOW_TO_CHANGE}"]
    else:
        lines.append(
            "The record needs the key that stands first and no other: take the older ones away"
            " from where Pledge reads them. Backups that were made before now need them still:"
            " keep them, apart from those backups, until the last one is deleted."
        )
    return lines

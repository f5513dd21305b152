"""The command line, and the place where the parts of Pledge are put together."""

import asyncio
import base64
import logging
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Coroutine
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import aiohttp
import discord
import typer
from rich.console import Console
from rich.markup import escape

from bot import (
    backups,
    keeping,
    linting,
    log,
    network,
    preflight,
    receipt_files,
    rotating,
    texts,
    verification,
)
from bot.client import Pledge
from bot.domain.errors import ConfigurationError, DomainError, TemporaryError
from bot.domain.inspection import Finding, Gravity, needs_mending
from bot.domain.ledger import Head
from bot.effects.watchdog import Watchdog
from bot.keys import Keyring
from bot.process import EXIT_TRY_LATER, Heartbeat, LastResort, Supervisor
from bot.services import rotation
from bot.settings import (
    Settings,
    config_path,
    discord_token,
    encryption_key,
    starter_folder,
)
from bot.storage.backup_file import path_of
from bot.storage.database import Database
from bot.terminal import reading_bars

app = typer.Typer(
    name="pledge",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
agreement_app = typer.Typer(help="Work on the text of an agreement.", no_args_is_help=True)
app.add_typer(agreement_app, name="agreement")
ledger_app = typer.Typer(help="Look after the record of what happened.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")
receipt_app = typer.Typer(help="Check what members were given.", no_args_is_help=True)
app.add_typer(receipt_app, name="receipt")

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
logger = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")

FATAL_CLOSES = frozenset({4004, 4010, 4011, 4012, 4013, 4014})
"""Close codes of Discord's gateway after which trying again cannot help."""

BAD_LOGIN = (
    "Discord does not know this token. Copy it anew from your application's Bot page in the"
    " developer portal and put it where DISCORD_TOKEN or DISCORD_TOKEN_FILE says."
)
UNREACHABLE = (discord.HTTPException, discord.GatewayNotFound, aiohttp.ClientError, OSError)
STYLES = {
    Gravity.OPEN: "bold red",
    Gravity.BROKEN: "red",
    Gravity.COULD_OPEN: "yellow",
    Gravity.NOTE: "dim",
}
EXIT_REFUSED = 1
EXIT_FAULT = 70
"""What sysexits.h calls EX_SOFTWARE."""


class UnreachableError(TemporaryError):
    """Discord cannot be reached at the moment."""


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"pledge {metadata.version('pledge')}")
        raise typer.Exit


@app.callback()
def _pledge(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Keeps the confidentiality agreement of a peer support group on Discord."""


@app.command()
def run() -> None:
    """Go online and look after the groups until told to stop."""
    log.configure()
    # Pledge has no voice; what discord.py lacks for it is no news to the operator.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    settings = _load()
    token, keys = discord_token(os.environ), Keyring(encryption_key(os.environ))
    network.speak_to_discord_only(settings.database_url)
    _warn_of_keeping(settings)
    last_resort = LastResort()
    try:
        _run_async(_serve(settings, token, keys, last_resort))
    except discord.LoginFailure:
        raise ConfigurationError(BAD_LOGIN) from None
    except discord.ConnectionClosed as error:
        if error.code in FATAL_CLOSES:
            raise DomainError(
                f"Discord ended the connection for good (code {error.code}). Trying again cannot"
                " help: check the token and the intents in the developer portal."
            ) from None
        raise UnreachableError(f"The connection to Discord was lost (code {error.code}).") from None
    except discord.PrivilegedIntentsRequired:
        raise DomainError(
            "Discord does not grant the intents that Pledge cannot do without. Look at the page Bot"
            " of your application in the developer portal."
        ) from None
    except UNREACHABLE as error:
        raise UnreachableError(f"Discord cannot be reached: {_reason(error)}") from None
    finally:
        last_resort.disarm()


async def _serve(settings: Settings, token: str, keys: Keyring, last_resort: LastResort) -> None:
    supervisor = Supervisor(os.environ.get("NOTIFY_SOCKET"))
    rotation.renew_file(settings.database_url, keys)
    database = await Database.open(settings.database_url, keys)
    try:
        await database.hold_alone()
        await rotation.take_over(database)
        supervisor.tell("READY=1")
        with Heartbeat(supervisor):
            await _stay_online_somehow(settings, token, keys, database, last_resort)
    finally:
        await database.close()


async def _stay_online_somehow(
    settings: Settings, token: str, keys: Keyring, database: Database, last_resort: LastResort
) -> None:
    try:
        await _stay_online(Pledge(settings.groups, database, keys), token, last_resort)
    except discord.PrivilegedIntentsRequired:
        last_resort.disarm()
        errors.print(
            "The Server Members Intent is off, so Pledge cannot see who joins. It goes on"
            " without: people can sign in the welcome channel. To switch it on: developer"
            " portal, your application, Bot, Server Members Intent; then start Pledge again."
        )
        without = Pledge(settings.groups, database, keys, with_members=False)
        await _stay_online(without, token, last_resort)


async def _stay_online(client: Pledge, token: str, last_resort: LastResort) -> None:
    """Stay until told to stop, or until the client gives up.

    Raises:
        TemporaryError: why it gave up.
    """
    client.on_close = last_resort.arm
    watchdog = Watchdog(client, client.effects, client.give_up)
    loop = asyncio.get_running_loop()
    stopping: set[asyncio.Task[None]] = set()

    def stop() -> None:
        if not stopping:
            stopping.add(loop.create_task(client.close()))

    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform != "win32":  # which has no such handlers; there Ctrl-C ends the process
            loop.add_signal_handler(number, stop)
    watchdog.start()
    try:
        with reading_bars(errors) as show:
            client.reconciler.on_progress = show
            async with client:
                await client.start(token)
    finally:
        watchdog.stop()
    if stopping:
        await asyncio.wait(stopping)
    if client.failure is not None:
        raise client.failure


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the browser view; 0 picks one.")] = 0,
) -> None:
    """Play the whole story on a simulated Discord; needs no token, no key and no network."""
    try:
        from bot.demo import play  # noqa: PLC0415 the simulator is not always installed
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The demo needs the package {error.name}, which is not installed. Run `make demo`, or"
            " install Pledge with its extra: pip install '.[demo]'"
        ) from None
    network.speak_to_nobody()
    _run_async(play(console, port=port))


@app.command()
def check(
    offline: Annotated[
        bool, typer.Option("--offline", help="Read the files only; needs neither token nor key.")
    ] = False,
) -> None:
    """Read the configuration and, unless offline, look who can read the support channels."""
    settings = _load()
    for group in settings.groups:
        console.print(
            f"{escape(group.key)}: {escape(group.name)}, agreement"
            f" {group.agreement.sha256()[:16]} from {escape(str(group.agreement_path))}"
        )
    if offline:
        _warn_of_keeping(settings)
        console.print(
            "The configuration and the agreements are in order, as far as the files go."
            " `pledge check` asks Discord about the rest."
        )
        console.print(keeping.ADVICE)
        return
    token, keys = discord_token(os.environ), Keyring(encryption_key(os.environ))
    network.speak_to_discord_only(settings.database_url)
    _warn_of_keeping(settings)
    try:
        findings = _run_async(_inspect(settings, token, keys))
    except discord.LoginFailure:
        raise ConfigurationError(BAD_LOGIN) from None
    except UNREACHABLE as error:
        raise UnreachableError(f"Discord cannot be reached: {_reason(error)}") from None
    _print_findings(settings, findings)
    console.print(f"\n{keeping.ADVICE}")
    if needs_mending(findings):
        raise typer.Exit(EXIT_REFUSED)


async def _inspect(settings: Settings, token: str, keys: Keyring) -> list[Finding]:
    record = await preflight.Record.find(settings.database_url, keys)
    try:
        return await preflight.inspect(token, settings.groups, record, discord.utils.utcnow())
    finally:
        await record.close()


def _print_findings(settings: Settings, findings: list[Finding]) -> None:
    general = [found for found in findings if found.group_key is None]
    for found in general:
        _print_finding(found)
    for group in settings.groups:
        here = [found for found in findings if found.group_key == group.key]
        console.print(f"\n{escape(group.key)}: {escape(texts.verdict([*general, *here]))}")
        for found in here:
            _print_finding(found)


def _print_finding(found: Finding) -> None:
    # Whoever names a role could hide signs in it that steer a terminal.
    names = tuple("".join(filter(str.isprintable, name)) for name in found.names)
    wrong, fix = texts.finding(replace(found, names=names))
    word = texts.GRAVITIES[found.gravity]
    console.print(f"  [{STYLES[found.gravity]}]{word}[/] {escape(wrong)}\n    → {escape(fix)}")


@app.command()
def keygen(
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate",
            help="Print no key: encrypt everything with the first of your keys; Pledge may run.",
        ),
    ] = False,
) -> None:
    """Print a new encryption key; keep it apart from the database and its backups."""
    if rotate:
        settings, keys = _load(), Keyring(encryption_key(os.environ))
        _warn_of_keeping(settings)
        if not rotating.rotate(settings.database_url, keys, console):
            raise typer.Exit(EXIT_REFUSED)
        return
    sys.stdout.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() + "\n")


@app.command()
def init() -> None:
    """Write a starter configuration and the default agreement, ready to be changed."""
    target = config_path(os.environ)
    if target.exists():
        raise ConfigurationError(
            f"{target} is there already; nothing was written. Change that file, or move it away"
            " to start afresh."
        )
    source = starter_folder()
    agreements = target.parent / "agreements"
    agreements.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "pledge.example.yaml", target)
    console.print(f"Wrote {escape(str(target))}.")
    # Beside a text that was changed already, the shipped translations may not fit any more.
    default = agreements / "default.en.yaml"
    pattern = default.name if default.exists() else "*.yaml"
    for text in sorted((source / "agreements").glob(pattern)):
        copy = agreements / text.name
        if copy.exists():
            console.print(f"Left {escape(str(copy))} as it is.")
        else:
            shutil.copyfile(text, copy)
            console.print(f"Wrote {escape(str(copy))}.")
    console.print(
        f"Next: put your server's ids into {escape(str(target))}, then run `pledge check`."
    )


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="A new file, to write it to.")]) -> None:
    """Save the whole record into one encrypted file; works while Pledge runs."""
    settings, keys = _load(), Keyring(encryption_key(os.environ))
    _warn_of_keeping(settings, file)
    if not backups.save(settings.database_url, keys, file, console):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `pledge backup` wrote.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace the record that is there, if there is one.")
    ] = False,
) -> None:
    """Put a backup back in the place of the database; Pledge must be stopped."""
    settings, keys = _load(), Keyring(encryption_key(os.environ))
    _warn_of_keeping(settings)
    kept_for = min(group.retention.terms.backup for group in settings.groups)
    if not backups.put_back(
        settings.database_url, keys, file, console, kept_for=kept_for, overwrite=yes
    ):
        raise typer.Exit(EXIT_REFUSED)


@agreement_app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="The agreement to read.")],
    against: Annotated[
        Path | None, typer.Option(help="How it was before, to judge what has changed.")
    ] = None,
) -> None:
    """Check that an agreement is complete and fits into Discord's messages; and judge a change."""
    linting.lint(file, against, console)


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError:
        raise typer.BadParameter(
            "a head is a number, a colon and 64 hexadecimal digits, as Pledge posts it"
        ) from None


@ledger_app.command()
def verify(
    head: Annotated[
        Head | None,
        typer.Option(
            parser=_head,
            metavar="POSITION:HASH",
            help="A head that was posted earlier: what it stands for must still be there.",
        ),
    ] = None,
) -> None:
    """Check that nothing recorded was changed or taken away; Pledge may be running."""
    settings, keys = _load(), Keyring(encryption_key(os.environ))
    _warn_of_keeping(settings)
    if not verification.verify(settings.database_url, keys, head, console, errors):
        raise typer.Exit(EXIT_REFUSED)


@receipt_app.command(name="verify")
def verify_receipt(
    file: Annotated[Path, typer.Argument(help="The JSON file, or the PDF it is attached to.")],
    head: Annotated[
        Head | None,
        typer.Option(
            parser=_head,
            metavar="POSITION:HASH",
            help="The ledger head as it was posted in the moderators' channel.",
        ),
    ] = None,
) -> None:
    """Say whether a receipt is valid, altered or unknown; needs only the file and a head."""
    if not receipt_files.verify(file, head, console):
        raise typer.Exit(EXIT_REFUSED)


def _load() -> Settings:
    return Settings.load(config_path(os.environ), os.environ)


def _warn_of_keeping(settings: Settings, backup: Path | None = None) -> None:
    for warning in keeping.warnings(os.environ, path_of(settings.database_url), backup):
        errors.print(escape(warning))


def _reason(error: BaseException) -> str:
    words = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return f"is this computer online? ({escape(words)})"


def _run_async(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def main() -> NoReturn:
    """Run the command line: exit 0 on success, 1 on a refusal or finding, 2 on wrong usage.

    A 75 says that it passes by itself (no connection, no room on the disk), a 70 that it is a fault
    of Pledge's own: after both a supervisor tries again.
    """
    try:
        app()
    except TemporaryError as error:
        errors.print(escape(str(error)), style="red")
        sys.exit(EXIT_TRY_LATER)
    except (DomainError, OSError) as error:
        errors.print(escape(str(error)), style="red")
        sys.exit(EXIT_REFUSED)
    except Exception:
        log.configure()
        logger.critical("Pledge has ended by a fault of its own; please report it", exc_info=True)
        sys.exit(EXIT_FAULT)
    sys.exit(0)


if __name__ == "__main__":
    main()

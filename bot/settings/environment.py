"""What comes from outside: where the configuration and the starter are, and the two secrets.

No message here repeats a value: a secret in the wrong variable must not reach a log.
"""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from bot.domain.errors import ConfigurationError
from bot.settings.values import database_url

DEFAULT_CONFIG = Path("config/pledge.yaml")
_LARGEST_SECRET = 4096


def config_path(environ: Mapping[str, str]) -> Path:
    """Where the configuration file is: `PLEDGE_CONFIG`, or config/pledge.yaml.

    Raises:
        ConfigurationError: `PLEDGE_CONFIG` is set but empty.
    """
    if "PLEDGE_CONFIG" not in environ:
        return DEFAULT_CONFIG
    return Path(_not_empty(environ, "PLEDGE_CONFIG", "the path of your pledge.yaml"))


def starter_folder() -> Path:
    """The files that Pledge ships: inside an installed package, else the checkout's `config`."""
    package = Path(__file__).parent.parent
    installed = package / "starter"
    return installed if installed.is_dir() else package.parent / "config"


def database_override(environ: Mapping[str, str]) -> str | None:
    """The address in `PLEDGE_DATABASE`, a SQLite path made absolute from the current folder.

    Raises:
        ConfigurationError: it is set but empty, or is not an address Pledge can use.
    """
    if "PLEDGE_DATABASE" not in environ:
        return None
    # Set but empty is most often a slip in a deployment file. Falling back on another database
    # would start with no signatures, so this stops instead.
    address = _not_empty(environ, "PLEDGE_DATABASE", "the address of the database")
    try:
        return database_url(address, Path.cwd(), may_hold_password=True)
    except ConfigurationError as error:
        raise ConfigurationError(f"PLEDGE_DATABASE: {error}") from None


def discord_token(environ: Mapping[str, str]) -> str:
    """The bot's token, from `DISCORD_TOKEN` or the file `DISCORD_TOKEN_FILE` names.

    Raises:
        ConfigurationError: neither or both are given, or what is given cannot be a token.
    """
    where = "copy it from your application's Bot page in Discord's developer portal"
    token = _secret(environ, "DISCORD_TOKEN", where)
    if not re.fullmatch("[!-~]+", token):
        raise ConfigurationError(
            f"DISCORD_TOKEN: there are blanks or foreign characters in the token; {where}, "
            "the token alone"
        )
    return token


def encryption_key(environ: Mapping[str, str]) -> str:
    """The keys for encryption at rest, from `PLEDGE_KEY` or the file `PLEDGE_KEY_FILE` names.

    Returns:
        One or several keys with a blank between them, the newest first: each 44 characters, which
        are 32 bytes in URL-safe base64, as Fernet takes them.

    Raises:
        ConfigurationError: neither or both are given, or what is given holds anything but keys.
    """
    where = (
        "make one with `pledge keygen` and keep a copy safe; if there is a record already, put "
        "back the key it was made with"
    )
    keys = _secret(environ, "PLEDGE_KEY", where).split()
    for number, key in enumerate(keys, 1):
        if not _is_key(key):
            which = f"; of the {len(keys)} keys it is number {number}" if len(keys) > 1 else ""
            raise ConfigurationError(
                "PLEDGE_KEY: the key is truncated or wrong; give all 44 characters that `pledge "
                "keygen` printed (a new key cannot open a database that an older key has locked)"
                + which
            )
    return " ".join(keys)


def _is_key(key: str) -> bool:
    if not re.fullmatch("[A-Za-z0-9_-]{43}=", key):
        return False
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(key)).decode() == key


def _not_empty(environ: Mapping[str, str], name: str, meaning: str) -> str:
    if not (value := environ[name].strip()):
        raise ConfigurationError(f"{name}: it is set but empty; set it to {meaning}, or unset it")
    return value


def _secret(environ: Mapping[str, str], name: str, source: str) -> str:
    """One secret without blanks around it; an empty variable counts as not given."""
    value, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if value and file:
        raise ConfigurationError(f"{name}: {name}_FILE is given as well; keep one of the two")
    if file:
        value = _first_bytes(Path(file), name)
        if not value:
            raise ConfigurationError(f"{name}_FILE: the file it names is empty; {source}")
    if not value:
        raise ConfigurationError(
            f"{name}: it is not set, or empty; {source}, then set {name}, or {name}_FILE to the "
            "path of a file that holds it"
        )
    return value


def _first_bytes(path: Path, name: str) -> str:
    # The path is not repeated: it may be the secret itself, put into the wrong variable.
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_SECRET + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
        raise ConfigurationError(
            f"{name}_FILE: the file it names cannot be read ({reason}); give the path of a file "
            "that the account that runs Pledge may read"
        ) from None
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = None
    if text is None or len(raw) > _LARGEST_SECRET:
        raise ConfigurationError(
            f"{name}_FILE: the file it names does not hold a secret alone; give a text file with "
            "nothing else in it"
        )
    return text

"""The environment: where the configuration is, and the secrets, which no message repeats."""

import base64
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.domain.errors import ConfigurationError
from bot.settings import config_path, discord_token, encryption_key
from tests.settings.samples import refusal_of

TOKEN = "hunter2.hunter2.hunter2"
KEY = base64.urlsafe_b64encode(bytes(range(200, 232))).decode()
READERS = [
    pytest.param(discord_token, "DISCORD_TOKEN", TOKEN, id="token"),
    pytest.param(encryption_key, "PLEDGE_KEY", KEY, id="key"),
]
Read = Callable[[Mapping[str, str]], str]


def test_config_path_is_the_default_when_the_variable_is_not_set() -> None:
    assert config_path({}) == Path("config/pledge.yaml")


def test_config_path_is_the_variable_when_it_is_set() -> None:
    assert config_path({"PLEDGE_CONFIG": " /etc/pledge.yaml\n"}) == Path("/etc/pledge.yaml")


def test_config_path_refuses_when_the_variable_is_empty() -> None:
    assert refusal_of(lambda: config_path({"PLEDGE_CONFIG": ""})) == [
        "PLEDGE_CONFIG: it is set but empty; set it to the path of your pledge.yaml, or unset it"
    ]


@pytest.mark.parametrize(("read", "name", "value"), READERS)
def test_secret_is_given_when_in_the_variable(read: Read, name: str, value: str) -> None:
    assert read({name: f" {value}\n", f"{name}_FILE": ""}) == value


@pytest.mark.parametrize(("read", "name", "value"), READERS)
@pytest.mark.parametrize("form", ["{}", "{}\n", "\ufeff{}\r\n"])
def test_secret_is_given_when_in_the_file(
    tmp_path: Path, read: Read, name: str, value: str, form: str
) -> None:
    (tmp_path / "secret").write_text(form.format(value), encoding="utf-8")
    assert read({f"{name}_FILE": str(tmp_path / "secret")}) == value


@pytest.mark.parametrize(("read", "name", "value"), READERS)
@pytest.mark.parametrize("empty", [{}, {"": ""}, {"": " ", "_FILE": ""}])
def test_secret_is_refused_when_missing(
    read: Read, name: str, value: str, empty: dict[str, str]
) -> None:
    environ = {name + suffix: given for suffix, given in empty.items()}
    (message,) = refusal_of(lambda: read(environ))
    assert message.startswith(f"{name}: it is not set, or empty; ")
    assert message.endswith(f"then set {name}, or {name}_FILE to the path of a file that holds it")
    assert ("`pledge keygen`" in message) == (name == "PLEDGE_KEY")


@pytest.mark.parametrize(("read", "name", "value"), READERS)
def test_secret_is_refused_when_given_twice(read: Read, name: str, value: str) -> None:
    assert refusal_of(lambda: read({name: value, f"{name}_FILE": "/run/secret"})) == [
        f"{name}: {name}_FILE is given as well; keep one of the two"
    ]


@pytest.mark.parametrize(("read", "name", "value"), READERS)
@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "the file it names is empty"),
        (b" \n", "the file it names is empty"),
        (b"\xff\xfe", "does not hold a secret alone"),
        (b"x" * 5000, "does not hold a secret alone"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_secret_is_refused_when_its_file_is_no_good(
    tmp_path: Path, read: Read, name: str, value: str, content: bytes | None, wrong: str
) -> None:
    file = tmp_path / value  # as if the secret itself were taken for the path
    if content is not None:
        file.write_bytes(content)
    (message,) = refusal_of(lambda: read({f"{name}_FILE": str(file)}))
    assert message.startswith(f"{name}_FILE: ")
    assert wrong in message
    assert value not in message


def test_secret_is_refused_when_its_file_is_a_folder(tmp_path: Path) -> None:
    (message,) = refusal_of(lambda: discord_token({"DISCORD_TOKEN_FILE": str(tmp_path)}))
    assert message.startswith(
        "DISCORD_TOKEN_FILE: the file it names cannot be read (Is a directory"
    )


@pytest.mark.parametrize("token", [f"Bot {TOKEN}", f"{TOKEN}\n{TOKEN}", f"{TOKEN}é"])
def test_discord_token_refuses_when_it_cannot_be_one(token: str) -> None:
    (message,) = refusal_of(lambda: discord_token({"DISCORD_TOKEN": token}))
    assert message.startswith("DISCORD_TOKEN: there are blanks or foreign characters in the token;")
    assert "hunter2" not in message


def test_encryption_key_is_what_fernet_makes_and_takes() -> None:
    key = Fernet.generate_key().decode()
    assert encryption_key({"PLEDGE_KEY": key}) == key
    Fernet(key)


@pytest.mark.parametrize(
    "key",
    [
        KEY[:-1],
        KEY[1:],
        KEY[:20],
        KEY + "=",
        f"{KEY},{KEY}",
        KEY[:10] + " " + KEY[11:],
        KEY[:-2] + "z=",  # bits that no 32 bytes leave behind
        base64.b64encode(b"\xff" * 32).decode(),
        base64.urlsafe_b64encode(bytes(31)).decode(),
        base64.urlsafe_b64encode(bytes(33)).decode(),
        "é" * 44,
    ],
)
def test_encryption_key_refuses_without_repeating_it_when_it_is_not_one(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        encryption_key({"PLEDGE_KEY": key})
    message = "".join(traceback.format_exception(caught.value))
    assert "PLEDGE_KEY: the key is truncated or wrong; give all 44 characters" in message
    assert "`pledge keygen`" in message
    assert key not in message


@pytest.mark.parametrize("between", [" ", "\n", "\r\n\r\n", "\t "])
def test_several_keys_are_given_with_blanks_between_them_the_newest_first(
    tmp_path: Path, between: str
) -> None:
    other = Fernet.generate_key().decode()
    (tmp_path / "keys").write_text(f"{other}{between}{KEY}\n")
    assert encryption_key({"PLEDGE_KEY": f"{other}{between}{KEY}"}) == f"{other} {KEY}"
    assert encryption_key({"PLEDGE_KEY_FILE": str(tmp_path / "keys")}) == f"{other} {KEY}"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_wrong_key_among_several_is_refused_by_its_number(number: int) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(3)]
    keys[number - 1] = keys[number - 1][:-1]
    (message,) = refusal_of(lambda: encryption_key({"PLEDGE_KEY": "\n".join(keys)}))
    assert "the key is truncated or wrong" in message
    assert message.endswith(f"of the 3 keys it is number {number}")
    assert not [key for key in keys if key in message]

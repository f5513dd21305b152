"""The rules of this house that no linter knows; CONTRIBUTING.md gives the reasons."""

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from discord import app_commands
from discord.ext import commands
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CODE = ("bot", "cogs", "tests", "benchmarks")
MAX_LINES = 500
SENTENCE_WORDS = 4
FORBIDDEN_NAMES = {"utils", "helpers", "core", "common", "managers", "alembic"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
MOCKS = {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock"}
SPECS = {"spec", "spec_set", "autospec", "wraps", "new", "new_callable"}
VARIABLES = re.compile(r"[\"'`]((?:DISCORD|PLEDGE)_[A-Z_]+)[\"'`]")
PROMISED_VARIABLES = {
    "DISCORD_TOKEN",
    "DISCORD_TOKEN_FILE",
    "PLEDGE_CONFIG",
    "PLEDGE_DATABASE",
    "PLEDGE_KEY",
    "PLEDGE_KEY_FILE",
}

Check = Callable[[ast.Module], Iterator[tuple[int, str]]]


def files(*folders: str, suffix: str = ".py") -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob(f"*{suffix}")
        if path.is_file() and "__pycache__" not in path.parts
    )


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def findings(check: Check, paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in paths
        for line, what in check(ast.parse(path.read_text(encoding="utf-8")))
    ]


def last_name(node: ast.expr) -> str:
    """`Mock` for `mock.Mock`, `skip` for `pytest.mark.skip`."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def docstrings(tree: ast.Module) -> set[ast.expr]:
    """Strings that stand alone as a statement: documentation, never sent to anybody."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def written(node: ast.expr) -> str | None:
    """The words of a string literal; a value put into an f-string counts as one word."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(written(part) or "x" for part in parts)
        case _:
            return None


# The checks: each yields line and complaint for one parsed module ------------------------------


def sentences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    exempt = docstrings(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=logger)) if "log" in last_name(logger).lower():
                exempt.update(n for n in ast.walk(node) if isinstance(n, ast.expr))
            case ast.keyword(arg="custom_id", value=value):
                exempt.update(n for n in ast.walk(value) if isinstance(n, ast.expr))
            case ast.JoinedStr() if node not in exempt:
                exempt.update(part for part in node.values if isinstance(part, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and node not in exempt:
            words = re.findall(r"[^\W\d_]+", written(node) or "")
            if len(words) >= SENTENCE_WORDS and " " in (written(node) or "").strip():
                yield node.lineno, f"a sentence belongs in bot/texts: {written(node)!r}"


def specless_mocks(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, specs = last_name(node.func), {keyword.arg for keyword in node.keywords} & SPECS
        if name in MOCKS:
            bare = not specs and not node.args
        elif name == "patch":
            bare = not specs and len(node.args) < 2
        elif name == "object" and "patch" in ast.unparse(node.func):
            bare = not specs and len(node.args) < 3
        else:
            bare = False
        if bare:
            yield node.lineno, f"a mock without a spec agrees to anything: {ast.unparse(node)}"


def unexplained_skips(tree: ast.Module) -> Iterator[tuple[int, str]]:
    explained: set[ast.expr] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        reasons = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
        if last_name(node.func) == "skip":
            reasons += node.args[:1]
        words = [written(reason) for reason in reasons]
        # A reason that is not a literal, such as a constant, is taken on trust.
        if any(text is None or len(text.split()) >= 3 for text in words):
            explained.add(node.func)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=owner, attr="skip" | "skipif" | "xfail" | "importorskip"):
                if last_name(owner) in {"pytest", "mark"} and node not in explained:
                    yield node.lineno, f"{ast.unparse(node)} without a reason that names the lack"


HELD = {
    *("roles", "get_role", "top_role", "permissions", "guild_permissions", "resolved_permissions"),
    *("permissions_for", "owner_id", "administrator", "manage_guild", "checks"),
    *("is_moderator", "is_facilitator", "is_escalation", "is_owner", "manages_server"),
}
"""What people hold, by which only `cogs/_checks.py` may tell who may do what."""


def own_checks(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Looks at what people hold, in a module that answers them."""
    named = {last_name(node) for node in ast.walk(tree) if isinstance(node, ast.expr)}
    if not {"Context", "Interaction"} & named:
        return
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=owner, attr=attr) if attr in HELD:
                if not (attr == "roles" and last_name(owner) in {"group", "_group"}):
                    yield node.lineno, f"ask cogs/_checks.py instead: {ast.unparse(node)}"


def missing_docstring(tree: ast.Module) -> Iterator[tuple[int, str]]:
    if tree.body and not ast.get_docstring(tree):
        yield 1, "a module opens with one sentence that says what it is for"


# The rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "source", "is_fine"),
    [
        (sentences, 'send("You are in the group now.")', False),
        (sentences, 'send(f"{name} has left the group")', False),
        (sentences, 'Button(label="Yes, I want to sign")', False),
        (sentences, 'log.info("asked %s for a signature", 1)', True),
        (sentences, 'self.log.info("asked %s for a signature", 1)', True),
        (sentences, 'Button(custom_id="a b c d e")', True),
        (sentences, 'def f():\n    """Say what this is for."""', True),
        (sentences, 'Group(name="agreement")', True),
        (specless_mocks, "MagicMock()", False),
        (specless_mocks, "mock.AsyncMock(return_value=1)", False),
        (specless_mocks, 'mock.patch("bot.client.Client")', False),
        (specless_mocks, 'mock.patch.object(client, "send")', False),
        (specless_mocks, "MagicMock(spec=Client)", True),
        (specless_mocks, "Mock(Client)", True),
        (specless_mocks, 'mock.patch("bot.client.Client", autospec=True)', True),
        (specless_mocks, 'monkeypatch.setattr(client, "send", send)', True),
        (unexplained_skips, "@pytest.mark.skip\ndef test_a(): ...", False),
        (unexplained_skips, "@pytest.mark.skipif(True)\ndef test_a(): ...", False),
        (unexplained_skips, "@pytest.mark.xfail(reason='flaky')\ndef test_a(): ...", False),
        (unexplained_skips, "pytest.skip()", False),
        (unexplained_skips, "pytest.skip('no PostgreSQL on this machine')", True),
        (
            unexplained_skips,
            "@pytest.mark.skipif(x, reason='needs a POSIX system')\nclass A: ...",
            True,
        ),
        (own_checks, "def f(i: Context): return i.user.guild_permissions", False),
        (own_checks, "def f(i: discord.Interaction): return role in i.user.roles", False),
        (own_checks, "def f(i: Context, viewer): return viewer.is_moderator", False),
        (own_checks, "def f(i: Context, group): return group.roles.member", True),
        (own_checks, "def f(guild): return guild.me.guild_permissions.kick_members", True),
        (missing_docstring, "x = 1", False),
        (missing_docstring, '"""What it is for."""', True),
        (missing_docstring, "", True),
    ],
)
def test_a_rule_tells_bad_from_good(check: Check, source: str, is_fine: bool) -> None:
    assert (list(check(ast.parse(source))) == []) is is_fine


def test_no_module_is_longer_than_a_person_reads() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files(*CODE)}
    assert lengths, "no modules found"
    assert [f"{path}: {n} lines" for path, n in lengths.items() if n > MAX_LINES] == []


def test_cogs_hold_no_sentences() -> None:
    assert findings(sentences, files("cogs")) == []


def test_cogs_ask_one_place_who_may_do_what() -> None:
    asking = [path for path in files("cogs") if path.name != "_checks.py"]
    assert findings(own_checks, asking) == []


def test_mocks_have_a_spec() -> None:
    assert findings(specless_mocks, files("tests")) == []


def test_skipped_tests_say_what_is_missing() -> None:
    assert findings(unexplained_skips, files("tests")) == []


def test_every_module_says_what_it_is_for() -> None:
    assert findings(missing_docstring, files(*CODE)) == []


def test_modules_are_named_for_their_subject() -> None:
    named = [path.relative_to(ROOT) for path in files(*CODE)]
    assert [str(p) for p in named if FORBIDDEN_NAMES & {*p.with_suffix("").parts}] == []


def test_nothing_is_left_unfinished() -> None:
    written = [path for path in files("config", "docs", suffix="") if path.suffix != ".png"]
    paths = [*files("bot", "cogs"), *written]
    assert [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ] == []


# What the README promises ----------------------------------------------------------------------


def commands_of(cog: type[commands.Cog]) -> Iterator[str]:
    """Full names, `agreement sign`, of the slash commands a cog class brings."""
    prefix = f"{cog.__cog_group_name__} " if cog.__cog_is_app_commands_group__ else ""
    for command in cog.__cog_app_commands__:
        if isinstance(command, app_commands.Group):
            inner = command.walk_commands()
            yield from (
                prefix + c.qualified_name for c in inner if isinstance(c, app_commands.Command)
            )
        else:
            yield prefix + command.qualified_name


def slash_commands() -> set[str]:
    found: set[str] = set()
    for path in files("cogs"):
        module = importlib.import_module(f"cogs.{path.stem}" if path.stem != "__init__" else "cogs")
        for _, item in inspect.getmembers(module, inspect.isclass):
            if issubclass(item, commands.Cog) and item.__module__ == module.__name__:
                found.update(commands_of(item))
    return found


def context_menus() -> set[str]:
    """Names of context menus: the literal or constant given as `name=`."""
    found: set[str] = set()
    for path in files("cogs"):
        module = importlib.import_module(f"cogs.{path.stem}" if path.stem != "__init__" else "cogs")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and last_name(node.func) in {
                "ContextMenu",
                "context_menu",
            }:
                name = next((k.value for k in node.keywords if k.arg == "name"), None)
                assert name is not None, f"{path.name}:{node.lineno}: name= is missing"
                found.add(str(eval(ast.unparse(name), dict(vars(module)))))  # noqa: S307
    return found


def test_the_readme_names_every_command() -> None:
    readme, found = read("README.md"), slash_commands()
    assert found, "no commands found in cogs"
    missing = {f"/{name}" for name in found if not re.search(rf"/{name}(?![\w-])", readme)}
    assert sorted(missing) == []
    assert sorted(name for name in context_menus() if name not in readme) == []


def setting_keys() -> set[str]:
    """Every key of the complete example; the groups' own names are not settings."""

    def keys(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield str(key)
                yield from keys(inner)

    example = yaml.safe_load(read("config/pledge.example.yaml"))
    groups = example["groups"].values()
    return {*example, *(key for group in groups for key in keys(group))}


def test_the_readme_names_every_setting() -> None:
    readme, found = read("README.md"), setting_keys()
    assert {"database", "groups", "guild", "enforcement", "grace_days"} <= found
    assert sorted(k for k in found if not re.search(rf"(?<!\w){re.escape(k)}(?!\w)", readme)) == []


def test_the_readme_names_every_environment_variable() -> None:
    readme = read("README.md")
    used = {name for path in files("bot") for name in VARIABLES.findall(path.read_text("utf-8"))}
    wanted = used | PROMISED_VARIABLES
    assert sorted(v for v in wanted if not re.search(rf"{v}(?![A-Z_])", readme)) == []


def code_in(markdown: str) -> str:
    """Fenced blocks without their comments, and inline code."""
    fenced = re.findall(r"^\s*```[^\n]*\n(.*?)^\s*```", markdown, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL))
    lines = [line.partition("#")[0] for block in fenced for line in block.splitlines()]
    return "\n".join([*lines, *inline])


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_the_make_targets_that_are_named_exist(document: str) -> None:
    named = set(re.findall(r"\bmake (\.?[a-z][a-z-]*)", code_in(read(document))))
    targets = set(re.findall(r"^(\.?[a-z][a-z-]*):", read("Makefile"), re.MULTILINE))
    assert {"test", "demo"} & named, "neither make test nor make demo is shown"
    assert sorted(named - targets) == []


def test_the_readme_and_ci_agree() -> None:
    ci = ROOT / ".ci" / "run"
    assert ci.stat().st_mode & 0o111, ".ci/run is not executable"
    assert ".ci/run" in read("README.md") + read("CONTRIBUTING.md")


# What is installed -----------------------------------------------------------------------------

LOCKS = ("requirements.lock", "requirements-dev.lock")


def pins(lock: str) -> dict[str, Requirement]:
    """The requirements of a lock, each with its hashes cut off, by normal name."""
    logical = read(lock).replace("\\\n", " ").splitlines()
    lines = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    assert [line for line in lines if "--hash=sha256:" not in line] == [], "a pin without a hash"
    found = [Requirement(line.partition("--hash")[0]) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert re.findall(r"\S*://\S*|--(?:extra-)?index-url.*|--find-links.*| @ .*", read(lock)) == []


def test_uv_lock_stays_out() -> None:
    assert "uv.lock" in read(".gitignore").splitlines()


def test_both_locks_pin_the_same() -> None:
    runtime, dev = (pins(lock) for lock in LOCKS)
    assert [str(pin) for name, pin in runtime.items() if str(dev.get(name)) != str(pin)] == []


def test_the_locks_satisfy_pyproject() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    extras = project["project"]["optional-dependencies"].values()
    runtime = [*project["project"]["dependencies"], *(line for extra in extras for line in extra)]
    wanted = {LOCKS[0]: runtime, LOCKS[1]: [*runtime, *project["dependency-groups"]["dev"]]}
    for lock, lines in wanted.items():
        pinned = pins(lock)
        for requirement in map(Requirement, lines):
            pin = pinned.get(canonicalize_name(requirement.name))
            assert pin is not None, f"{requirement} is not in {lock}: run make lock"
            version = str(pin.specifier).removeprefix("==")
            assert requirement.specifier.contains(version), f"{lock} has {pin}, not {requirement}"

"""Promise: the documents say what the program does: commands, settings, errors; and no file tells of the machine it was made on."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from importlib import import_module
from importlib.util import find_spec

import pytest
import typer
from typer.testing import CliRunner

from house.sources import ROOT, Module, document, product_modules, strings, tracked_files

#: Folders and hosts that mean nothing to others. Written in pieces, since this file is looked at too.
MACHINE = re.compile(r"(?<![\w.~}])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "tm" + "p", "ho" + "me"]) + r")(?![\w-])")
REGISTRY = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "registry\\." + r"npmjs", "registry\\." + r"yarnpkg"]))

VARIABLE = re.compile(r"\bTANDEM_[A-Z0-9_]*[A-Z0-9]\b")


def commands(markdown: str) -> list[list[str]]:
    """Return the words of each call of Tandem in the code blocks of a document, without `tandem` itself.

    Lines joined by a backslash are one call. Variables set in front, comments and pipes are left out; `&&` joins two calls.
    """
    blocks = re.findall(r"^ *```[^\n]*\n(.*?)^ *```", markdown, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in re.split(r"\n|\s&&\s", block.replace("\\\n", " "))]
    calls = (re.match(r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\./)?tandem\b(?!/)(.*)", line) for line in lines)
    return [shlex.split(re.split(r"\s[|>&;]", call[1])[0], comments=True) for call in calls if call]


def checkout_commands() -> set[str]:
    """Return the commands that the file `tandem` answers itself."""
    return set(re.findall(r"^    ([a-z]+)\) ", document("tandem"), re.MULTILINE))


def command_line() -> typer.Typer:
    """Return the outermost of the Typer objects in tandem.cli; skips the test while there is none."""
    if find_spec("tandem.cli") is None:
        pytest.skip("there is no command line yet")
    apps = [value for value in vars(import_module("tandem.cli")).values() if isinstance(value, typer.Typer)]
    inner = {id(group.typer_instance) for app in apps for group in app.registered_groups}
    (root,) = (app for app in apps if id(app) not in inner)
    return root


def refusal(root: typer.Typer, words: list[str]) -> str:
    """Return why the command line does not know these commands and options, "" if it does."""
    result = CliRunner().invoke(root, [*words, "--help"], prog_name="tandem")
    return "" if result.exit_code == 0 else f"tandem {' '.join(words)}: {result.output.strip()}"


def paths(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words that lead to each command, the first ones without any."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from paths(inner, (*path, name))


def variables(modules: Iterable[Module]) -> set[str]:
    """Return the environment variables that the product names in its code."""
    return {name for module in modules for _, text in strings(module.tree, with_docstrings=False) for name in VARIABLE.findall(text)}


def settings() -> set[str]:
    """Return the environment variables that the configuration knows by their names without the prefix."""
    return {f"TANDEM_{name}" for name in import_module("tandem.config").DEFAULTS}


def foreign_places(text: str) -> list[str]:
    """Return the folders of a machine and the hosts of registries in a text."""
    return [found.group() for pattern in (MACHINE, REGISTRY) for found in pattern.finditer(text)]


def error_findings(classes: Iterable[type[BaseException]], page: str) -> list[str]:
    """Say each error that does not tell its reach and next step, has no sentence, or is missing in the tree of its page."""
    found = []
    for error in classes:
        found += [f"{error.__name__} has no {name}" for name in ("reach", "next_step") if not isinstance(getattr(error, name, None), Enum)]
        if not vars(error).get("__doc__"):
            found.append(f"{error.__name__} has no sentence")
        if not re.search(rf"\b{error.__name__}\b", page):
            found.append(f"{error.__name__} is not in the tree")
    return found


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/configuration.md", "docs/connecting.md"])
def test_documented_commands_are_known(name: str) -> None:
    """Every call of Tandem in the document names commands and options that exist."""
    root = command_line()
    calls = [words for words in commands(document(name)) if not words or words[0] not in checkout_commands()]

    assert [text for words in calls if (text := refusal(root, words))] == []


def test_every_command_has_help() -> None:
    """Each command answers --help with more than its own name."""
    root = command_line()

    assert [text for path in paths(typer.main.get_command(root)) if (text := refusal(root, list(path)))] == []


def test_the_package_answers() -> None:
    """`python -m tandem --help` runs, as the checkout's command calls it."""
    command_line()
    answer = subprocess.run([sys.executable, "-P", "-m", "tandem", "--help"], capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stderr) == (0, "")


def test_settings_are_documented() -> None:
    """Every TANDEM_ variable of the code is in the page on configuration, and the other way round."""
    page = set(VARIABLE.findall(document("docs/configuration.md")))

    assert (variables(product_modules()) | settings()) ^ page == set()


def test_errors_say_what_to_do() -> None:
    """Every error tells how far it goes and what to do next, has a sentence for people, and is drawn in the tree."""
    errors = import_module("tandem.errors")
    classes = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    ]

    assert classes
    assert error_findings(classes, errors.__doc__ or "") == []


def test_no_file_tells_of_a_machine() -> None:
    """No file of the checkout names a registry's host or a folder of the machine that it was made on."""
    texts = ((path, path.read_text(encoding="utf-8", errors="replace")) for path in tracked_files())

    assert [f"{path.relative_to(ROOT)}: {found}" for path, text in texts for found in foreign_places(text)] == []


def test_commands_are_read_from_documents() -> None:
    """Calls are found in code blocks only, with a prompt, variables, a comment, a pipe, or over two lines."""
    text = (
        "`tandem no`\n```sh\n$ ./tandem sync 1 --json | jq .state\nTANDEM_DATA_DIR=x tandem run   # starts\n"
        'tandem link create \\\n  --group "My own"\ntandem\ncd tandem && tandem doctor\ntandem/x\n```\ntandem no\n'
    )

    assert commands(text) == [["sync", "1", "--json"], ["run"], ["link", "create", "--group", "My own"], [], ["doctor"]]


def test_an_unknown_command_is_found() -> None:
    """The check complains about an unknown command and an unknown option, and takes arguments as they come."""
    app, link = typer.Typer(), typer.Typer()
    app.add_typer(link, name="link")
    link.command("pause")(lambda: None)

    @app.command()
    def sync(link: int, *, full: bool = False) -> None: ...

    assert list(paths(typer.main.get_command(app))) == [(), ("sync",), ("link",), ("link", "pause")]
    assert refusal(app, ["sync", "1", "--full"]) == ""
    assert refusal(app, ["link", "pause"]) == ""
    assert "--fully" in refusal(app, ["sync", "1", "--fully"])
    assert "stop" in refusal(app, ["link", "stop"])


def test_the_commands_of_the_checkout_are_read() -> None:
    """The commands that the file `tandem` answers itself are those its help lists."""
    listed = set(re.findall(r"^  \./tandem ([a-z]+)", document("tandem"), re.MULTILINE))

    assert checkout_commands() == listed == {"test", "bench", "lock", "help"}


def test_variables_are_read_from_code() -> None:
    """A variable counts where code names it, not in a docstring, nor as the beginning of others."""
    assert variables([Module("tandem.x", '"""TANDEM_A"""\nx = env["TANDEM_B"]\ny = "TANDEM_"\nz = "TANDEM_C_"\n')]) == {"TANDEM_B"}


@pytest.mark.parametrize("text", ["cd /{}/main", "see https://{}.org/simple", "path=/{}"])
def test_a_foreign_place_is_found(text: str) -> None:
    """The check sees folders and hosts; a path of a web address or of the checkout is neither."""
    assert foreign_places(text.format("py" + "pi" if "https" in text else "wo" + "rk"))
    assert foreign_places("home/work/mobile, people/work, ./work/x, /workers, /tmpl, $HOME/work") == []


def test_an_unhelpful_error_is_found() -> None:
    """The check complains about an error without reach, next step, sentence and place in the tree."""

    class Bad(Exception):
        pass

    assert error_findings([Bad], "Good") == ["Bad has no reach", "Bad has no next_step", "Bad has no sentence", "Bad is not in the tree"]

"""Promise: one word per idea, the glossary has them all, and the two products have no name in the layers that do not know them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

from house.sources import Module, document, identifiers, product_modules, strings

#: What the glossary must explain.
WORDS = (
    "action",
    "adopt",
    "archive",
    "base",
    "birth",
    "closed",
    "conflict",
    "cursor",
    "cycle",
    "decision",
    "frozen",
    "hint",
    "hold",
    "intent",
    "job",
    "journal",
    "ledger",
    "link",
    "marker",
    "observation",
    "open conflict",
    "outcome",
    "pair",
    "park",
    "plan",
    "record",
    "replica",
    "resolution",
    "settling",
    "shadow",
    "side",
    "tombstone",
    "twin",
    "version",
    "wave",
)

#: Other words for these ideas, as identifiers would spell them.
REJECTED = (
    ("master",),
    ("slave",),
    ("upsert",),
    ("mapping", "table"),
    ("sync", "job"),
    ("sync", "token"),
    ("correlation", "id"),
    ("dead", "letter"),
    ("changelog",),
    ("blacklist",),
    ("whitelist",),
)
SPEAKING_LAYERS = frozenset({"core", "engine", "store"})

PRODUCT_WORD = re.compile(r"google|pipedrive", re.IGNORECASE)
BLIND_LAYERS = frozenset({"core", "store", "engine", "replica"})
#: Docstrings that name a product all the same: module -> why.
MAY_NAME_PRODUCTS: dict[str, str] = {}


def parts(identifier: str) -> tuple[str, ...]:
    """Take an identifier apart: `SyncJob_idOf` -> sync, job, id, of."""
    return tuple(part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", identifier))


def contains(words: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether `wanted` stands in `words` in one piece."""
    return any(words[start : start + len(wanted)] == wanted for start in range(len(words) - len(wanted) + 1))


def rejected_words(modules: Iterable[Module]) -> list[str]:
    """Say each identifier made of a word that the glossary rejects."""
    return [
        f"{module.name}:{line}: {name}"
        for module in modules
        if module.layer in SPEAKING_LAYERS
        for line, name in sorted(set(identifiers(module.tree)))
        if any(contains(parts(name), wanted) for wanted in REJECTED)
    ]


def product_words(modules: Iterable[Module]) -> Iterator[str]:
    """Say each identifier and string with a product's name in the layers that do not know the products."""
    for module in modules:
        if module.layer not in BLIND_LAYERS:
            continue
        texts = strings(module.tree, with_docstrings=module.name not in MAY_NAME_PRODUCTS)
        for line, text in sorted({*identifiers(module.tree), *texts}):
            if found := PRODUCT_WORD.search(text):
                yield f"{module.name}:{line}: {found.group()}"


def entries(glossary: str) -> list[str]:
    """Return the words that a glossary explains: each opens a line, in bold."""
    return re.findall(r"^(?:- )?\*\*([^*]+)\*\*", glossary, re.MULTILINE)


def test_the_glossary_has_every_word_once() -> None:
    """Each word of the house stands in the glossary, once."""
    explained = entries(document("docs/glossary.md"))

    assert sorted(word for word in WORDS if explained.count(word) != 1) == []
    assert len(set(explained)) == len(explained)


def test_the_glossary_names_the_rejected_words() -> None:
    """Who looks up a word that the code does not use is told which one it uses."""
    glossary = document("docs/glossary.md").lower()

    assert [" ".join(words) for words in REJECTED if " ".join(words) not in glossary] == []


def test_one_word_per_idea() -> None:
    """No identifier of core, engine and store uses a rejected word."""
    assert rejected_words(product_modules()) == []


def test_the_middle_does_not_know_the_products() -> None:
    """No identifier and no string of core, store, engine and the port names a product."""
    assert list(product_words(product_modules())) == []


def test_exceptions_are_needed() -> None:
    """A module that may name a product does so; otherwise the exception goes."""
    named = {
        module.name
        for module in product_modules()
        if any(PRODUCT_WORD.search(text) for _, text in strings(module.tree, with_docstrings=True))
    }

    assert sorted(set(MAY_NAME_PRODUCTS) - named) == []


@pytest.mark.parametrize("text", ["upsert_rows = 1", "class SyncJob: pass", "def f(master): pass", "x.mapping_table()", "f(slaveId=1)"])
def test_a_rejected_word_is_found(text: str) -> None:
    """The check sees a word in each kind of identifier."""
    assert rejected_words([Module("tandem.engine.x", text)])


@pytest.mark.parametrize("text", ["mastery = 1", "sync, job = 1, 2", "table_mapping = {}", "'master'"])
def test_another_word_passes(text: str) -> None:
    """The check knows a word from a longer one, and an identifier from a text."""
    assert rejected_words([Module("tandem.engine.x", text)]) == []


@pytest.mark.parametrize(
    "text",
    ["google_id = 1", "x = 'a Pipedrive person'", 'def f():\n    """Ask Google."""', "f'{x} of google'", "from a import PipedriveReplica"],
)
def test_a_product_word_is_found(text: str) -> None:
    """The check sees identifiers, strings, docstrings and imports; other layers may speak of products."""
    assert list(product_words([Module("tandem.core.x", text)]))
    assert list(product_words([Module("tandem.app", text)])) == []


def test_glossary_entries_are_read() -> None:
    """An entry is what opens a line in bold, not what is bold inside it."""
    assert entries("# Words\n\n**side** a **replica**\n- **open conflict** waits\n") == ["side", "open conflict"]

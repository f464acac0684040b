"""What the pages say, gathered from templates and code, and what a language has for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

from house.sources import SRC, Module, docstrings, product_modules
from tandem.app import reasons, reviewing  # sets Django up
from tandem.core.canonical import KeyKind
from tandem.core.evidence import Evidence, evidence_words
from tandem.engine import choices
from tandem.errors import RemoteError, TandemError
from tandem.web import sentences

WEB = SRC / "tandem" / "web"
LANGUAGES = tuple(sorted(path.parent.parent.name for path in WEB.glob("locale/*/LC_MESSAGES/django.po")))
#: What looks a text up, and which of its arguments are context and text.
_CALLS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip
#: Where sentences are made that a page may show.
_LAYERS = frozenset({"accounts", "app", "connectors", "core", "engine", "errors", "store"})
#: Modules of which every sentence may come to be seen in a page.
_SPEAKING = (
    "accounts.consent", "accounts.rights", "app.connecting", "app.disconnecting", "app.explaining", "app.hearing", "app.previews",
    "app.receiving", "app.watching", "connectors.google.creating", "connectors.google.observing", "connectors.pipedrive.budget",
    "connectors.pipedrive.fields", "connectors.pipedrive.limits", "connectors.pipedrive.reading", "connectors.pipedrive.webhook",
    "connectors.pipedrive.writing", "engine.aged", "engine.births", "engine.cycle", "engine.decided", "engine.leaving", "engine.observe",
    "engine.pace", "engine.rejoin", "engine.returned", "engine.undo",
)  # fmt: skip
#: Parts of their texts that are none of a page's: what only a log, a terminal or a program reads, or what is joined to another sentence.
_UNSEEN = (
    "The Tandem that took the answer", "Pipedrive refused the parts of a name", "organisation %s",
    "preview of link", "a contact lacks", "a delivery ", "a person of the listing", "`tandem exclude",
)  # fmt: skip


_HELD = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Text:
    """One text to look up. `many`: what it is for several; empty where it has no number."""

    context: str | None
    one: str
    many: str = ""


def catalogue(language: str) -> Catalog:
    """The texts of a language as they stand in its file."""
    with (WEB / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def messages(language: str) -> list[Message]:
    """The same without the head."""
    return [message for message in catalogue(language) if message.id]


@cache
def of_pages() -> frozenset[Text]:
    """What templates and code of the pages look up."""
    found = set()
    for path in sorted([*WEB.rglob("*.py"), *WEB.rglob("*.html")]):
        source = path.read_text(encoding="utf-8")
        code = templatize(source, origin=path.name) if path.suffix == ".html" else source
        for _, text, _, context in extract("python", BytesIO(code.encode()), _CALLS):
            one, many = (text, "") if isinstance(text, str) else text
            found.add(Text(context, one, many))
    return frozenset(found)


@cache
def of_engine() -> frozenset[str]:
    """Sentences that the engine keeps in English and pages show, with braces where they hold something."""
    kept = {reason.sentence for reason in [*reasons.REASONS.values(), *reasons._BY_STATE.values()]}
    kept |= {choice.sentence for choice in vars(choices).values() if isinstance(choice, choices.Choice)}
    kept |= set(reviewing._SENTENCES.values())
    kept |= {evidence_words(Evidence(kind, is_unique)) for kind in KeyKind for is_unique in (False, True)}
    kept |= {(error.__doc__ or "").strip() for error in _errors(TandemError) if error is not RemoteError}
    modules = {module.name: module for module in product_modules()}
    for name in _SPEAKING:
        kept |= {text for text in written(modules[f"tandem.{name}"]) if not text.startswith(_UNSEEN)}
    return frozenset(kept - {""})


def _errors(kind: type[TandemError]) -> Iterator[type[TandemError]]:
    if kind.__module__ == TandemError.__module__:
        yield kind
    for child in kind.__subclasses__():
        yield from _errors(child)


def written(module: Module, *, least: int = 3) -> Iterator[str]:
    """Every text of so many words that stands in a module; what an f-string holds is {}."""
    skipped = set(docstrings(module.tree))
    for node in ast.walk(module.tree):  # from the outside to the inside
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for value in node.values for part in ast.walk(value)}
        if id(node) in skipped:
            continue
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        if len(text.split()) >= least:
            yield text


@cache
def of_code() -> frozenset[str]:
    """Every text of two words that the engine and what is about it say, with braces where it holds something."""
    return frozenset(text for module in product_modules() if module.layer in _LAYERS for text in written(module, least=2))


def makes(text: str, form: str) -> bool:
    """Whether a text with braces can become another one, which may have braces in these places."""
    parts = _HELD.split(text)
    return max(parts, key=len) in form and re.fullmatch(".+".join(map(re.escape, parts)), form, re.DOTALL) is not None


def letters(text: str) -> int:
    """How much of a text is said whatever stands in it."""
    return sum(character.isalpha() for character in _HELD.sub("", text))


def form_of(text: str) -> str | None:
    """The form by which a sentence with braces is recognised."""
    return next((form for form in sentences.FORMS if makes(text, form)), None)

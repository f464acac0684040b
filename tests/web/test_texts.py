"""Promises of the texts: each has its Polish, with all its forms and nothing stands in a page that has none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Message
from django.test import override_settings
from django.utils import translation
from django.utils.translation import gettext, ngettext, pgettext

from tandem.web.serving import compiled_texts
from tandem.web.telling import span
from web.texts import LANGUAGES, WEB, Text, catalogue, messages, of_code, of_engine, of_pages

#: What is called the same in every language.
NAMES = {"Tandem", "Google", "Pipedrive", "Sandbox Contacts", "Sandbox CRM", "English", "Polski"}
_HELD = re.compile(r"%\(\w+\)[sd]")
_TOLD = {"alt", "aria-label", "placeholder", "title"}


@pytest.fixture(scope="module")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = compiled_texts(tmp_path_factory.mktemp("texts"))
    with override_settings(LOCALE_PATHS=[str(folder)]):
        yield


def _by_text(language: str) -> dict[tuple[str | None, str], Message]:
    return {(message.context, message.id if isinstance(message.id, str) else message.id[0]): message for message in messages(language)}


def _told(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def _faults(text: Text, message: Message | None, forms: int) -> Iterator[str]:
    """What is wrong with what a language has for a text."""
    if message is None:
        yield "lacks"
        return
    told = _told(message)
    if message.fuzzy:
        yield "is not certain"
    if not all(part.strip() for part in told) or (text.many and len(told) != forms):
        yield "is not whole"
    if text.many and (isinstance(message.id, str) or message.id[1] != text.many):
        yield "has another plural"
    held = set(_HELD.findall(text.many or text.one))
    few, *many = told
    if any(set(_HELD.findall(part)) != held for part in many or [few]) or not set(_HELD.findall(few)) <= held:
        yield "holds something else"


def test_every_text_of_the_pages_is_polish() -> None:
    """With all plurals, and with the same names in it."""
    known, forms = _by_text("pl"), catalogue("pl").num_plurals
    found = [f"{text.one!r} {fault}" for text in of_pages() for fault in _faults(text, known.get((text.context, text.one)), forms)]

    assert sorted(found) == []
    assert len(of_pages()) > 200


def test_what_is_wrong_is_seen() -> None:
    """The check above complains."""
    text = Text(None, "%(number)d contact", "%(number)d contacts")
    ids = ("%(number)d contact", "%(number)d contacts")

    assert list(_faults(text, None, 3)) == ["lacks"]
    assert list(_faults(text, Message(ids, ("kontakt", "%(number)d kontakty", "%(number)d kontaktów")), 3)) == []
    assert list(_faults(text, Message(ids, ("kontakt", "%(number)d kontakty")), 3)) == ["is not whole"]
    assert list(_faults(text, Message(ids, ("kontakt", "kontakty", "%(count)d kontaktów")), 3)) == ["holds something else"]
    assert list(_faults(Text(None, "Save"), Message("Save", "Zapisz", flags=["fuzzy"]), 3)) == ["is not certain"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_left_over(language: str) -> None:
    """Whatever a language has is said by a page or by the engine."""
    used = {(text.context, text.one) for text in of_pages()} | {(None, text) for text in of_code() | of_engine()}

    assert sorted(set(map(str, _by_text(language))) - set(map(str, used))) == []


@pytest.mark.usefixtures("_compiled")
def test_numbers_are_told_as_poles_do() -> None:
    """1, 2 to 4, 5 and more; the tens that are no exception, and those that are."""
    with translation.override("pl"):
        told = [ngettext("%(number)s contact", "%(number)s contacts", number) % {"number": number} for number in (1, 2, 5, 12, 22)]
        spans = [span(seconds) for seconds in (4, 120, 7200, 2 * 86_400, 5 * 86_400)]

        assert told == ["1 kontakt", "2 kontakty", "5 kontaktów", "12 kontaktów", "22 kontakty"]
        assert spans == ["4 s", "2 min", "2 godz.", "2 dni", "5 dni"]
        assert gettext("Enable sync with Google Contacts") == "Włącz synchronizację z Kontaktami Google"
        assert pgettext("history", "created") == "utworzono"
        assert gettext("This field is required.") == "To pole jest wymagane."  # Django's own
    with translation.override("en"):
        assert ngettext("%(number)s contact", "%(number)s contacts", 2) % {"number": 2} == "2 contacts"


class _Seen(HTMLParser):
    """Collects what a person reads in a template, or hears."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        told = r"\{%\s*blocktranslate.*?endblocktranslate\s*%\}|\{%\s*comment.*?endcomment\s*%\}|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}"
        self.feed(re.sub(told, "\n", source, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - its base names it
        """Attributes are told, too."""
        self.texts += [value for name, value in attrs if name in _TOLD and value]

    def handle_data(self, data: str) -> None:
        """Text."""
        self.texts += data.splitlines()

    @property
    def words(self) -> list[str]:
        """What is neither a name nor punctuation."""
        names = "|".join(sorted(NAMES, key=len, reverse=True))
        return [text.strip() for text in self.texts if re.search(r"[^\W\d_]{2}", re.sub(rf"\b({names})\b", "", text))]


@pytest.mark.parametrize("path", sorted(WEB.glob("templates/*.html")), ids=lambda path: path.name)
def test_no_template_speaks_english_only(path: Path) -> None:
    """Whatever is read in a template is looked up."""
    assert _Seen(path.read_text(encoding="utf-8")).words == []


def test_plain_english_is_seen() -> None:
    """The check above complains."""
    source = (
        '{# a word #}<p title="Some title">{% translate "Said" %} and {{ name }}: Google</p>{% blocktranslate %}Told{% endblocktranslate %}'
    )

    assert _Seen(source).words == ["Some title", "and"]

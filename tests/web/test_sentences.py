"""Promises of what pages say of the engine: its sentences are in the language of the page, and those that nobody knows stay whole."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

import pytest
from django.test import override_settings
from django.utils import translation
from django.utils.translation import gettext

from tandem.app import explaining, reviewing
from tandem.web.sentences import FORMS, said
from tandem.web.serving import compiled_texts
from web.texts import LANGUAGES, form_of, letters, makes, messages, of_code, of_engine

#: For what stands in a form: something as the engine would put it there, and how it is said in Polish.
SAMPLES = {
    "number": ("3", "3"), "side": ("Google", "Google"), "doubt": ("ambiguous", "kilka kontaktów może być tą samą osobą"),
    "state": ("paused", "wstrzymane"), "field": ("phones", "numery telefonu"), "total": ("40", "40"),
    "sentence": ("it is deleted on both sides", "usunięto go po obu stronach"),
    "counts": ("3 to create in Google, 1,000 to delete in Pipedrive", "3 do utworzenia w Google, 1,000 do usunięcia w Pipedrive"),
    "evidence": ("the same full name, a similar name", "to samo imię i nazwisko, podobna nazwa"),
    "place": ("Pipedrive, Tools and apps, Marketplace apps", "Pipedrive, Narzędzia i aplikacje, Aplikacje z Marketplace"),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = compiled_texts(tmp_path_factory.mktemp("texts"))
    with override_settings(LOCALE_PATHS=[str(folder)]):
        yield


@pytest.fixture
def _polish() -> Iterator[None]:
    with translation.override("pl"):
        yield


def names(form: str) -> set[str]:
    """What stands in braces."""
    return {name for _, name, _, _ in Formatter().parse(form) if name}


def test_the_engine_speaks_polish() -> None:
    """Reasons, choices, evidence, errors, and all that the speaking modules say: as it is, or by its form."""
    known = {message.id for message in messages("pl")}

    assert sorted(text for text in of_engine() if text not in known and not form_of(text)) == []
    assert len(of_engine()) > 150


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_form_is_given_what_it_does_not_hold(language: str) -> None:
    """What is said may leave out what stands in a sentence, and not ask for more."""
    strings = {message.id: str(message.string) for message in messages(language)}

    assert [form for form, told_as in FORMS.items() if not names(strings[told_as]) <= names(told_as) <= names(form)] == []


def test_forms_are_of_the_engine() -> None:
    """Each is a sentence that the code makes."""
    made = set(of_code())
    made |= {f"Out: {{}}. {explaining._OFF}.", f"{{}} ({reviewing._SINCE_BACKUP})"}
    made |= {f"{{}} {done} in {{}}" for done in reviewing._DONE.values()}
    said_of = {text: letters(text) for text in made}

    def is_made(form: str) -> bool:
        """Whether the code says it; of less than half of it anything could be made."""
        most = letters(form)
        return any(2 * number >= most >= number and makes(text, form) for text, number in said_of.items())

    assert [form for form in FORMS if not is_made(form)] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.usefixtures("_polish")
def test_a_form_is_recognised(form: str) -> None:
    """With something in it, and by no other form."""
    samples = {name: SAMPLES.get(name, (f"<{name}>", f"<{name}>")) for name in names(form)}
    english = form.format_map({name: sample for name, (sample, _) in samples.items()})
    polish = gettext(FORMS[form]).format_map({name: told for name, (_, told) in samples.items()})

    assert english != polish
    assert said(english) == polish


@pytest.mark.usefixtures("_polish")
def test_sentences_within_sentences() -> None:
    """As the engine puts them together."""
    assert said("Out: it was left out by a person; neither side changes. `tandem exclude 3 pair:7 --off` syncs it again.") == (
        "Poza synchronizacją: ktoś go pominął; żadna strona się nie zmieni."
    )
    assert said("Waiting: a person has to say whether they are the same (ambiguous: the same phone number, a similar name).") == (
        "Czeka: ktoś musi powiedzieć, czy to ta sama osoba (kilka kontaktów może być tą samą osobą: ten sam numer telefonu, podobna nazwa)."
    )
    assert said("Waiting: Two looks at one side do not agree on 4 records; nothing was created.") == (
        "Czeka: Dwa odczyty tej samej strony się nie zgadzają (liczba wpisów: 4); nic nie zostało utworzone."
    )
    lacking = "It lacks the right admin (no webhooks: Pipedrive is asked for changes at intervals)."
    assert said(f"{lacking} {lacking}").count("Brakuje uprawnienia admin") == 2
    assert said("google cannot be reached") == "Nie można połączyć się z Google"


@pytest.mark.usefixtures("_polish")
def test_what_nobody_knows_stays_whole() -> None:
    """No half sentences; and nothing is made of nothing."""
    for text in (
        "Waiting: something quite new.",
        "3 to create in Google, and more",
        "",
        " ",
        "Jan Kowalski",
        "100 %",
        "{number}",
        "%(number)d",
    ):
        assert said(text) == text


def test_english_stays_english() -> None:
    """But a page does not send people to a terminal where it has a button."""
    with translation.override("en"):
        assert said("Waiting: something quite new.") == "Waiting: something quite new."
        assert said("3 to create in Google") == "3 to create in Google"
        assert said("Out: something quite new. `tandem exclude 3 pair:7 --off` syncs it again.") == "Out: something quite new."
        assert said("Link 3 is paused; `tandem link resume 3` lets a paused one go on.") == "This sync is paused: resume it first."

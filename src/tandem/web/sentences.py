"""Sentences that the engine keeps in English, in the language of the page.

Rules: a sentence is looked up among the texts as it is; one that holds a number, a name or another sentence is recognised by its form
below. What nobody knows stays English as a whole: half a sentence in each language helps nobody. A page names no commands where it has
a button, so some sentences are said otherwise, in English too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from string import Formatter

from django.utils.translation import get_language, gettext, gettext_noop

from tandem.app.sides import TITLE
from tandem.web import words

#: What stands in braces is said in its turn where `_SAYING` knows its name; all else stays as it is.
_SAME = (
    # how a contact stands
    gettext_noop("Out: it stands in {side} outside what the link covers; only its id and hashes are kept."),
    gettext_noop("Out: it is deleted in {side} and never had another half."),
    gettext_noop("Out: {sentence}."),
    gettext_noop("Waiting: {sentence} ({doubt}: {evidence})."),
    gettext_noop("Waiting: {sentence}."),
    gettext_noop("the last listing of {side} did not show it; it is looked at again before anything is concluded"),
    gettext_noop("{side} shows it, but it could not be read; it is left alone"),
    gettext_noop("in {side} it is outside what the link covers, so nothing flows until it comes back"),
    gettext_noop("it is deleted in {side}; the other side follows once the deletion has been confirmed"),
    gettext_noop("{field} is not written: {sentence}"),
    gettext_noop("The next sync copies it to {side}."),
    gettext_noop("{text} is not left out; there is nothing to open again."),
    # what waits
    gettext_noop("{counts} (new since the backup, or deleted on one side since; the archive cannot tell)"),
    gettext_noop("{number} to create in {side}"),
    gettext_noop("{number} to change in {side}"),
    gettext_noop("{number} to delete in {side}"),
    gettext_noop("{number} pairs"),
    # why a link does not go on
    gettext_noop("{number} of {total} contacts are outside the chosen group or filter all at once. Nothing was deleted or changed."),
    gettext_noop("Two looks at one side do not agree on {number} records; nothing was created."),
    gettext_noop(
        "Another Tandem has made {number} of these contacts: is it still running? Two of them on one address book would double everything."
    ),
    gettext_noop("The services may still show less than there was when the backup was restored; look again at {time} UTC."),
    gettext_noop("The archive has lost a record of pair {pair}: `tandem sync --full` lists everything again."),
    gettext_noop("Something unforeseen happened ({kind}); nothing was changed."),
    # services
    gettext_noop("{side} does not accept the account's token any more: connect it again."),
    gettext_noop("{side} does not accept the account's refresh token any more: connect the account again."),
    gettext_noop("{side} cannot be reached, so nothing was stored"),
    gettext_noop("{side} cannot be reached"),
    gettext_noop("{side} did not answer {call}"),
    gettext_noop("the answer to {call} is missing: it may have happened"),
    gettext_noop("{side} answered {call} by a redirection"),
    gettext_noop("{side} does not give an access token now"),
    gettext_noop("{side} answered without an access token"),
    gettext_noop("{side} refused it ({code})"),
    gettext_noop("{side} refused {call}"),
    # connecting
    gettext_noop("{side} did not accept the answer: it came too late, or was used already. Try again."),
    gettext_noop("{side} did not say whether it took the answer, and nothing was stored. Try again: an answer works once."),
    gettext_noop("{side}'s answer holds no code, so nothing was stored. Try again."),
    gettext_noop("{side} could not ask for consent, so nothing was stored. `tandem doctor` looks at what is set up."),
    gettext_noop(
        "{side} gave no lasting permission (no refresh token), so nothing was stored. Take Tandem's access away there ({place}) and try "
        "again."
    ),
    gettext_noop("This is {name}, another account than {expected}; nothing was stored. Sign in as the other one."),
    gettext_noop("{name} is connected by somebody else who uses this Tandem; nothing was stored."),
    gettext_noop("It lacks the right {sentence}."),
    gettext_noop("The API token itself stays valid: replace it in {side}, Personal preferences > API."),
    gettext_noop(
        "{side} could not be told to end Tandem's access, so {name} stays. `tandem account remove {name} --force` forgets it here; then "
        "take the access away yourself ({place})"
    ),
    gettext_noop("{side} was not told: take Tandem's access away there ({place})."),
    gettext_noop("These two accounts are linked already, by link {link}; change or remove that one first."),
    # how a side is watched
    gettext_noop("no webhooks; a look every {span} is what a quarter of the daily tokens allows"),
    gettext_noop("no webhooks; a sandbox is looked at every {span}"),
    gettext_noop("Port {port} of this machine, where webhooks would arrive, is taken; so Pipedrive is asked instead."),
    gettext_noop("Pipedrive could not be asked for webhooks just now ({kind}); it is tried again."),
    gettext_noop("Pipedrive did not take a webhook (status {status}), so it is asked instead: is TANDEM_BASE_URL reachable from outside?"),
    # what a service does not take
    gettext_noop("Google takes at most {number} characters: this {what} is longer."),
    gettext_noop("Google takes at most {number} entries in one contact."),
    gettext_noop("Pipedrive takes at most {number} characters here."),
    gettext_noop("The Pipedrive field {name} was removed twice: it is left out. An administrator can add it again under that name."),
)
#: Sentences that send people to a terminal, and what a page says in their place.
_OTHERWISE: Mapping[str, str] = {
    "Out: {sentence}. `tandem exclude {link} {pair} --off` syncs it again.": gettext_noop("Out: {sentence}."),
    "It is out of the sync already ({reason}); `tandem exclude {link} {text} --off` syncs it again.": gettext_noop(
        "It is out of the sync already."
    ),
    "There is no open question {question}; `tandem review` lists those there are.": gettext_noop("There is no open question {question}."),
    "There is no open question {question}. Open: {known}.": gettext_noop("There is no open question {question}."),
    "There is nothing to take back under {what}: `tandem history {link}` shows cycles (5) and changes (5-123), and pair:7 "
    "is the last sync of a pair. History is kept for {days} days.": gettext_noop(
        "There is nothing to take back under {what} any more. History is kept for {days} days."
    ),
    "Another process is working on link {link}.": gettext_noop("Another process is working on this sync; try again in a moment."),
    "Link {link} is {state}; `tandem link resume {link}` lets a paused one go on.": gettext_noop("This sync is {state}: resume it first."),
    "Link {link} is {state}; `tandem link resume {link}` lets a paused one go on, and then this can be taken back.": gettext_noop(
        "This sync is {state}: let it go on first, then this can be taken back."
    ),
    "Link {link} came out of a backup: `tandem preview {link}`, then `tandem sync {link}`; after that this can be done.": gettext_noop(
        "This sync came out of a backup: look at the preview and save it first, then this can be done."
    ),
    "The consent was refused in {side}; nothing was stored. To try again: `tandem account add`.": gettext_noop(
        "The consent was refused in {side}; nothing was stored. You can try again."
    ),
    "This is another account than {name}, which link {link} uses and which still has to be connected again "
    "(--reconnect {label}).": gettext_noop(
        "This is another account than {name}, which link {link} uses and which still has to be connected again."
    ),
    "{name} is used by link {link}: remove that first with `tandem link remove` (which deletes no contact).": gettext_noop(
        "{name} is used by link {link}: end that sync first (which deletes no contact)."
    ),
    "Nobody waits for this answer, or not any more. If the account was connected just now, all is well; else begin again "
    "with `tandem account add`.": gettext_noop(
        "Nobody waits for this answer, or not any more. If the account was connected just now, all is well; else begin again."
    ),
    "This answer came too late: it is waited for ten minutes. Begin again with `tandem account add`.": gettext_noop(
        "This answer came too late: it is waited for ten minutes. Begin again."
    ),
}

#: How a sentence of the engine looks, and the text that is looked up for it. The more exact forms stand first.
FORMS: Mapping[str, str] = {**_OTHERWISE, **{form: form for form in _SAME}}

_SHAPES: Mapping[str, str] = {"number": r"\d[\d,]*", "total": r"\d+", "side": "[Gg]oogle|[Pp]ipedrive", "doubt": "[a-z]+", "sentence": ".+"}

#: Where several sentences stand behind each other, and what stands between them.
_PARTINGS = ((re.compile(r"(?<=\.) (?=[A-Z])"), " "), (re.compile("; "), "; "), (re.compile(", "), ", "))


def said(text: str) -> str:
    """A sentence of the engine in the language of the page, where it is known; else as it is."""
    return (_known(text) or text) if text.strip() else text


def _known(text: str) -> str | None:
    """The same in the language of the page; None where it is not known."""
    if not text:
        return None
    bare = text.removesuffix(".")
    if (told := _alone(text) or (_alone(bare) if bare else None)) is not None:
        return told if told.endswith(".") or bare == text else f"{told}."
    if (told := _alone(f"{text}.")) is not None:  # within another sentence it stands without
        return told.removesuffix(".")
    for parting, between in _PARTINGS:
        parts = parting.split(text)
        if len(parts) > 1 and (told_parts := _all_known(parts)):
            return between.join(told_parts)
    return None


def _all_known(texts: list[str]) -> list[str]:
    """All of them as they are known; nothing when one is not."""
    told = []
    for text in texts:
        if (known := _known(text)) is None:
            return []
        told.append(known)
    return told


def _alone(text: str) -> str | None:
    """One sentence as it is, or by its form."""
    if (told := gettext(text)) != text:
        return told
    for told_as, mark, pattern in _PATTERNS:
        if mark in text and (match := pattern.fullmatch(text)):
            values = {name: _SAYING.get(name, str)(value) for name, value in match.groupdict().items()}
            if None not in values.values():
                return gettext(told_as).format_map(values)
    return None


def _sentence(text: str) -> str | None:
    return _known(text) or (text if (get_language() or "en").startswith("en") else None)


def _doubt(name: str) -> str | None:
    return str(words.DOUBTS[name]) if name in words.DOUBTS else None


def _state(name: str) -> str | None:
    return str(words.STATES.get(name, name))


_SAYING: Mapping[str, Callable[[str], str | None]] = {
    "sentence": _sentence, "counts": _sentence, "evidence": _sentence, "place": _sentence,
    "doubt": _doubt, "state": _state, "field": words.field,
    "side": lambda name: TITLE.get(name.lower(), name),
}  # fmt: skip


def _pattern(form: str) -> re.Pattern[str]:
    """What recognises a form. What it names twice has to be the same twice."""
    parts, known = [], set[str]()
    for text, name, _, _ in Formatter().parse(form):
        parts.append(re.escape(text))
        if name:
            parts.append(f"(?P={name})" if name in known else f"(?P<{name}>{_SHAPES.get(name, '.+?')})")
            known.add(name)
    return re.compile("".join(parts), re.DOTALL)


def _mark(form: str) -> str:
    """The longest piece that stands in every sentence of this form: quicker to look for than the whole form."""
    return max((piece for piece, *_ in Formatter().parse(form)), key=len)


_PATTERNS = tuple((told_as, _mark(form), _pattern(form)) for form, told_as in FORMS.items())

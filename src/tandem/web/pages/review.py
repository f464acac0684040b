"""The review: everything that waits for a person, with its evidence, answered singly or all of a kind at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext

from tandem.app.reviewing import answer, groups_of, names_outside, sentence_of, waiting
from tandem.core.state import Side
from tandem.engine.choices import ADOPT, Takes, words_of
from tandem.engine.review import Named, Waiting
from tandem.errors import TandemError
from tandem.store import models
from tandem.web import words
from tandem.web.signing_in import linked
from tandem.web.site import here

AT_ONCE = 25
_BULK = ("match", "duplicate", "conflict")


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer as a button: what is sent, and what it says."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One question on the page."""

    item: Waiting
    heading: str
    #: Whom it is about: the side, and how each is called.
    records: tuple[tuple[Side, str], ...]
    options: tuple[Option, ...]


@linked
def review(request: HttpRequest, row: models.Link) -> HttpResponse:
    """Show what waits; take answers."""
    if request.method == "POST":
        return _take(request, row)
    asked = waiting(here().tandem, row.pk)
    kind = request.GET.get("kind", "")
    found = [item for item in asked if kind in ("", item.kind)]
    page = Paginator(found, AT_ONCE).get_page(request.GET.get("page"))
    kinds = Counter(item.kind for item in asked)
    context = {
        "row": row, "page": page, "shown": _all_shown(row, list(page.object_list)), "kind": kind, "total": len(asked),
        "kinds": [(name, words.QUESTIONS.get(name, name), number) for name, number in sorted(kinds.items())],
        "groups": groups_of(asked), "bulk": _bulk(asked, kind), "open": sum(1 for item in asked if not item.choice),
    }  # fmt: skip
    return render(request, "review.html", context)


def _bulk(asked: list[Waiting], kind: str) -> list[Option]:
    """Answers to all of a kind at once, where that makes sense."""
    found = [item for item in asked if item.kind == kind and not item.choice]
    if kind not in _BULK or len(found) < 2:
        return []
    options = []
    for sub in sorted({item.sub for item in found}):
        common = words_of(kind, sub)
        first = next(item for item in found if item.sub == sub)
        number = sum(1 for item in found if item.sub == sub)
        certain = sum(1 for item in found if item.sub == sub and item.is_certain)
        for choice in first.choices:
            if choice.word not in common or choice.word == "link":
                continue
            many = certain if choice.word == ADOPT.word else number
            if many:
                options.append(
                    Option(
                        f"{kind}:{sub}={choice.word}" if sub else f"{kind}={choice.word}",
                        f"{many} × {gettext(sentence_of(choice))}",
                        is_chosen=False,
                    )
                )
    return options


def _all_shown(row: models.Link, items: list[Waiting]) -> list[Shown]:
    outside = names_outside(here().tandem, row.pk, items)
    return [_shown(item, outside) for item in items]


def _shown(item: Waiting, outside: Mapping[tuple[Side, str], str]) -> Shown:
    def called(record: Named) -> str:
        return record.name or outside.get((record.side, record.record)) or record.record

    options: list[Option] = []
    for choice in item.choices:
        free = [
            [one for one in item.records if one.side is side and (one.is_free or choice.is_anywhere)] for side in _sides(item, choice.takes)
        ]
        combinations: list[list[str]] = [[]]
        names: list[list[str]] = [[]]
        for records in free:
            combinations = [[*before, one.record] for before in combinations for one in records]
            names = [[*before, called(one)] for before in names for one in records]
        for ids, people in zip(combinations, names, strict=True):
            text = gettext(sentence_of(choice))
            if len(combinations) > 1:
                text = f"{' = '.join(people)}: {text}"
            options.append(
                Option(":".join([f"{item.id}={choice.word}", *ids]), text, item.choice == choice.word and list(item.named) in ([], ids))
            )
    about = tuple((record.side, called(record)) for record in item.records)
    return Shown(item, str(words.QUESTIONS.get(item.kind, item.kind)), about, tuple(options))


def _sides(item: Waiting, takes: Takes) -> tuple[Side, ...]:
    return {Takes.NOTHING: (), Takes.PAIR: tuple(Side), Takes.RECORD: (item.side or Side.LEFT,)}[takes]


def _take(request: HttpRequest, row: models.Link) -> HttpResponse:
    single, bulk = request.POST.getlist("answer"), request.POST.getlist("all")
    try:
        taken = answer(here().tandem, row.pk, single, bulk)
    except TandemError as error:
        messages.error(request, str(error))
    else:
        number = len(taken)
        text = ngettext(
            "%(number)d answer is taken; the next sync follows it.", "%(number)d answers are taken; the next sync follows them.", number
        )
        messages.success(request, text % {"number": number})
    query = request.META.get("QUERY_STRING", "")
    response = redirect("review", row.pk)
    if query:
        response.headers["Location"] += f"?{query}"
    return response

"""Promise: no question is put that nobody can answer, and whatever is answered is followed."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

import tandem.engine
from engine.reviewing import everything, open_questions, resolve
from engine.scenarios import change_person, contact_named, contacts, person_named
from engine.stage import Stage
from engine.test_merges import _choose, _emails, _merged_in_google
from engine.test_withdrawal import OLA, _with_copy_and_twin
from tandem.core.plan import ActionKind, HoldReason
from tandem.core.state import Side
from tandem.engine.births import Doubt
from tandem.engine.choices import DUPLICATE, MATCH, choices_of, kinds, words_of
from tandem.engine.holds import HOLD
from tandem.sandbox.transport import SandboxTransport
from tandem.store import models

DAY = 90_000.0


def _put() -> set[str]:
    """The kinds of all questions that the engine puts: what stands first in a call of `ask`, or as `kind` of a new row."""
    found = set()
    for info in pkgutil.iter_modules(tandem.engine.__path__):
        module = importlib.import_module(f"tandem.engine.{info.name}")
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                is_asked = node.func.attr == "ask" and isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "pairs"
                kinds_ = [*(node.args[:1] if is_asked else ())]
                if node.func.attr == "create" and any(word.arg == "asked_at" for word in node.keywords):
                    kinds_ += [word.value for word in node.keywords if word.arg == "kind"]
                found |= {str(ast.literal_eval(it)) if isinstance(it, ast.Constant) else getattr(module, ast.unparse(it)) for it in kinds_}
    return found


def test_every_kind_of_question_can_be_answered() -> None:
    """Whatever the engine puts stands in the table of choices, and nothing else does."""
    assert len(_put()) >= 10
    assert _put() == set(kinds())


@pytest.mark.parametrize("kind", [MATCH, DUPLICATE])
@pytest.mark.parametrize("doubt", Doubt)
def test_every_doubt_can_be_answered(kind: str, doubt: Doubt) -> None:
    """Each doubt about a match or a duplicate has choices, and its words are known to the bulk form."""
    choices = choices_of(models.Question(kind=kind, data={"doubt": doubt.value}))
    assert choices
    assert {choice.word for choice in choices} <= words_of(kind)


@pytest.mark.parametrize("reason", HoldReason)
@pytest.mark.parametrize("action", ActionKind)
def test_every_hold_can_be_released_and_rejected(reason: HoldReason, action: ActionKind) -> None:
    """Whatever the brake holds, and why, may pass or not."""
    choices = choices_of(models.Question(kind=HOLD, data={"reason": reason.value, "action": action.value}))
    assert {choice.word for choice in choices} == {"release", "reject"}


class Meanwhile(httpx2.BaseTransport):
    """The sandbox, with somebody at work right before the first request to a path."""

    def __init__(self, stage: Stage, path: str, act: Callable[[], object]) -> None:
        self._inner = SandboxTransport(stage.world)
        self._path = path
        self._act: Callable[[], object] | None = act

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on."""
        if self._act and request.url.path.endswith(self._path):
            self._act()
            self._act = None
        return self._inner.handle_request(request)


def test_a_copy_that_stays_is_told_once(stage: Stage) -> None:
    """A copy of ours gets a deal while it is about to go, and stays beside the human's person: its owner says so, once."""
    human = _with_copy_and_twin(stage)
    copy = next(one["id"] for one in stage.pipedrive() if one["first_name"] == "Ola" and one["id"] != human)
    stage.transport = Meanwhile(stage, f"/persons/{copy}", lambda: stage.pipedrive_does("set_counts", id=copy, open_deals_count=1))
    stage.settle()
    (question,) = open_questions(stage)
    assert (question.kind, question.sub, [record.record for record in question.records]) == ("duplicate", "copy", [str(copy)])
    resolve(stage, "separate")
    stage.settle()
    stage.cycle(is_full=True)
    assert everything(stage) == []
    assert len([one for one in stage.pipedrive() if one["first_name"] == "Ola"]) == 2


def test_a_twin_is_told_once(stage: Stage) -> None:
    """A person whose contact Tandem made turns out to be called like somebody with a counterpart: both stay, by a word that lasts."""
    contacts("Ala")(stage)
    stage.contact(**OLA)
    stage.settle()
    stage.person(name="Olcia", phones=[{"value": "22 555 66 77", "label": "work", "primary": True}])
    stage.settle()
    change_person(stage, "Olcia", first_name="Ola", last_name="Sowa", phones=[{"value": "+48 600 777 111", "label": "work"}])
    stage.settle()
    (question,) = open_questions(stage)
    assert (question.kind, question.sub) == ("duplicate", "twin")
    resolve(stage, "separate")
    stage.settle()
    stage.cycle(is_full=True)
    assert (everything(stage), len(stage.google()), len(stage.pipedrive())) == ([], 3, 3)


def _held_fold(stage: Stage) -> dict[str, object]:
    """A fold whose leftover bears deals: its deletion waits for another word. Returns the leftover."""
    _merged_in_google(stage)
    leftover = next(one for one in stage.pipedrive() if _emails(one) == {"jan1@example.com"})
    stage.pipedrive_does("set_counts", id=leftover["id"], open_deals_count=2)
    _choose(stage, "fold")
    stage.settle()
    assert [(item.kind, item.sub) for item in open_questions(stage)] == [("hold", "attachments")]
    return leftover


def test_a_rejected_deletion_of_a_fold_is_final(stage: Stage) -> None:
    """What was folded stays folded, the leftover stays with its deals, out of the sync, and nobody is asked again."""
    leftover = _held_fold(stage)
    resolve(stage, "reject", kind="hold")
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert any(one["id"] == leftover["id"] for one in stage.pipedrive())
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (3, 4, [])


def test_a_rejection_is_not_for_a_leftover_that_changed(stage: Stage) -> None:
    """Somebody edits the leftover after the word: what it gained is folded in, and its deletion is asked about again."""
    leftover = _held_fold(stage)
    resolve(stage, "reject", kind="hold")
    phones = [*leftover["phones"], {"value": "+48 601 555 666", "label": "home"}]
    stage.pipedrive_does("update_person", id=leftover["id"], phones=phones)
    stage.wait(61)
    stage.settle()
    assert [(item.kind, item.sub) for item in open_questions(stage)] == [("hold", "attachments")]
    assert "+48 601 555 666" in {item["value"] for item in contact_named(stage, "Jan")["fields"]["phoneNumbers"]}


def test_a_released_deletion_of_a_fold_is_done(stage: Stage) -> None:
    """With the other word it goes, deals and all."""
    _held_fold(stage)
    resolve(stage, "release", kind="hold")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (3, 3, [])


def test_a_departure_in_a_crowd_is_answered_in_the_review(stage: Stage) -> None:
    """The question says how many have left; the word lets them go, and nobody is deleted."""
    people = [f"Osoba{number}" for number in range(12)]
    contacts(*people)(stage)
    stage.settle()
    for first in people[:8]:
        stage.google_does("remove_label", id=contact_named(stage, first)["id"], group=stage.group)
    stage.cycle()
    (question,) = open_questions(stage)
    assert (question.kind, question.evidence) == ("scope", ("8 pairs",))
    resolve(stage, "release", kind="scope")
    assert stage.settle().written[Side.RIGHT]["deleted"] == 0
    stage.cycle()
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (12, 12, [])
    stage.google_does("update", id=contact_named(stage, people[0])["id"], fields={"names": [{"givenName": "Inna"}]})
    stage.settle()
    assert person_named(stage, people[0])

"""A new empty group, 300 contacts outside it, 250 persons of whom 80 are the same people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable

import httpx2

from depth import SEED
from engine.reviewing import choose, choose_all
from engine.stage import Stage
from tandem.core.state import Side
from tandem.engine.outside import Choice, pairs_of
from tandem.engine.preview import preview
from tandem.sandbox.people import Loaded, load_demo
from tandem.sandbox.transport import SandboxTransport
from tandem.store import models

LABEL = "Nowa"


class RecordingTransport(httpx2.BaseTransport):
    """The sandbox, keeping all that is sent to Pipedrive."""

    def __init__(self, stage: Stage) -> None:
        self._inner = SandboxTransport(stage.world)
        self.sent: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on."""
        if request.url.path.startswith("/pipedrive"):
            body = request.content.decode()
            self.sent.append(f"{request.url}\n{json.dumps(json.loads(body), ensure_ascii=False) if body else ''}".casefold())
        return self._inner.handle_request(request)


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def _private(stage: Stage, loaded: Loaded) -> set[str]:
    """What stands in the 220 contacts alone: e-mails, numbers as written and as digits, family names, streets, notes."""
    common = {left for left, _ in loaded.pairs}
    known = json.dumps(list(stage.world.pipedrive.state()["persons"]), ensure_ascii=False).casefold()
    known += json.dumps(list(stage.world.pipedrive.state()["organizations"]), ensure_ascii=False).casefold()
    cards = {f"people/c{int(str(one['id']), 16)}": one["fields"] for one in stage.google()}
    known += json.dumps([fields for name, fields in cards.items() if name in common], ensure_ascii=False).casefold()
    digits = re.sub(r"\D", "", known)
    found: set[str] = set()
    for name, fields in cards.items():
        if name in common:
            continue
        for kind in ("names", "emailAddresses", "phoneNumbers", "addresses", "nicknames"):
            for text in _strings(fields.get(kind, [])):
                bare = re.sub(r"\D", "", text)[-9:]
                if len(text) > 5 and text.casefold() not in known and (len(bare) < 9 or bare not in digits):
                    found.add(text.casefold())
        for phone in _strings([item.get("value", "") for item in fields.get("phoneNumbers", [])]):
            bare = re.sub(r"\D", "", phone)[-9:]
            if len(bare) == 9 and bare not in digits:
                found.add(bare)
    return found


def _on_disk(stage: Stage) -> str:
    """All that is kept."""
    return stage.database.text().casefold()


def _holds_nothing(text: str, private: set[str], where: str) -> None:
    found = [item for item in private if item in text]
    assert not found, f"{len(found)} of {len(private)} private texts {where}"


def _answer_truly(stage: Stage, truth: set[tuple[str, str]]) -> int:
    """Answer what is left as somebody would who knows these people; how many were asked about."""
    asked = [item for item in stage.bench().pairs.questions() if item.kind == "match"]
    for item in asked:
        meant = [pair for pair in pairs_of(item) if pair in truth]
        choose(stage.bench(), item, Choice.ADOPT if meant else Choice.SEPARATE, meant[0] if meant else None)
    return len(asked)


def test_nobody_outside_an_empty_group_gets_a_second_copy(make_stage: Callable[..., Stage]) -> None:
    """B16, B17, P12: 80 proposals and no copy; adopted in bulk by one call; nothing of the other 220 on disk or in Pipedrive."""
    seed = SEED % 1000
    stage = make_stage(scope="visible")
    stage.google_does("delete_group", group=stage.group)
    loaded = load_demo(stage.world, seed)
    stage.google_does("create_group", name=LABEL)
    stage.choose_group(LABEL)
    truth = {(f"{int(left.removeprefix('people/c')):x}", str(right)) for left, right in loaded.pairs}
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive()), len(truth)) == (300, 0, 250, 80)
    private = _private(stage, loaded)
    assert len(private) > 400
    recorder = RecordingTransport(stage)
    stage.transport = recorder
    begun = len(stage.world.log)

    shown = preview(stage.bench())
    _holds_nothing(_on_disk(stage), private, f"on disk after the preview, seed {seed}")
    assert not [entry for entry in stage.world.log if entry.is_write and entry.kind.startswith("google")]

    report = stage.cycle()
    questions = [item for item in stage.bench().pairs.questions() if item.kind == "match"]
    proposed = {pair for item in questions for pair in pairs_of(item)}
    certain = [item for item in questions if item.data["certain"]]
    created = report.written[Side.LEFT]["created"]
    sys.stdout.write(f"seed {seed}: {len(questions)} proposals, {len(certain)} of them certain; {created} others created\n")
    assert truth <= proposed, f"seed {seed}"
    assert {pairs_of(item)[0] for item in certain} <= truth, f"seed {seed}"
    assert len(shown.questions) == len(questions)
    assert report.state.value == "waiting-for-person"
    assert stage.cycle().writes == 0

    adopted = choose_all(stage.bench(), Choice.ADOPT)
    assert adopted == len(certain) >= 45
    report = stage.cycle()
    assert report.adopted == adopted
    sys.stdout.write(f"{adopted} adopted by one call; {len(private)} private texts looked for\n")
    for _ in range(8):
        asked = _answer_truly(stage, truth)
        if stage.cycle().writes == asked == 0:
            break
    pairs = {(pair.left_id, pair.right_id) for pair in models.Pair.objects.using(stage.alias).filter(state="linked")}
    assert truth <= pairs, f"seed {seed}: {len(truth - pairs)} of the 80 not paired"
    sources = {intent.marker.split(":")[3] for intent in models.Intent.objects.using(stage.alias).filter(kind="create", side="left")}
    assert not sources & {right for _, right in truth}, f"seed {seed}"
    # A few persons of a colleague are private, and the linking user does not see them.
    seen = sum(1 for one in stage.pipedrive() if one["owner_id"] == 1 or one["visible_to"] != 1)
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (300 + seen - 80, seen, 250), f"seed {seed}"
    _holds_nothing(_on_disk(stage), private, f"on disk at the end, seed {seed}")
    _holds_nothing("\n".join(recorder.sent), private, f"in requests to Pipedrive, seed {seed}")
    # All of them were looked into.
    logged = [entry for entry in stage.world.log[begun:] if entry.service == "pipedrive"]
    assert len(recorder.sent) == len(logged) > 0

"""`calls`: HTTP calls and Pipedrive tokens, counted by the sandbox, of a first sync both ways, of cycles with changes, and of an idle one.

The bounds, for n contacts and n persons who do not know each other, o organisations on each side, and k changes:

    first sync   Google: a list of all contacts and the look for what moved meanwhile, 200 creations a batch;
                 Pipedrive: persons walked twice and organisations once, 500 a page, one call for each created person and organisation,
                 and the look for what moved meanwhile
    k changes    in Google: one look, and a read and a write for each person; in Pipedrive: one look, and a batch of 200 contacts
    idle         one look at Google, none at Pipedrive
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import ceil

from benchmarks.figures import Figure, run
from benchmarks.worlds import live_until_settled, standing_world, virtual
from tandem.app import Tandem
from tandem.connectors.pipedrive.api import LIST_TOKENS, PAGE
from tandem.sandbox.world import World
from tandem.store import models

SIZES = (1_000, 2_000, 4_000)
_GOOGLE_PAGE, _BATCH, _CHANGES = 1_000, 200, 50
#: What may be more than the bound, as a share of it.
_SLACK = 1.02
_READS_A_GROUP = {"contactGroups.get"}


def measure(size: int) -> Iterator[Figure]:
    """First sync, changes on each side, and rest, at one size."""
    world = standing_world(contacts=size, persons=size)
    organisations = len({fields["name"] for fields in world.pipedrive.state()["organizations"]})
    with virtual(world) as (tandem, link):
        world.log.clear()
        live_until_settled(tandem, link)
        made = len(world.pipedrive.state()["organizations"]) - organisations
        yield from _first(world, size, made, organisations)
        _rest(world, tandem, link)
        yield from _changes(world, tandem, link, size)
        _rest(world, tandem, link)
        tandem.cycle(link, cause="due")
        yield Figure("idle: Google calls", size, _calls(world, "google").total(), "", 1)
        yield Figure("idle: Pipedrive calls", size, _calls(world, "pipedrive").total(), "", 0)


def _first(world: World, size: int, made: int, organisations: int) -> Iterator[Figure]:
    google, pipedrive = _calls(world, "google"), _calls(world, "pipedrive")
    reads, writes = google["people.connections.list"], google["people.batchCreateContacts"] + google["people.createContact"]
    # One list, and one look each before and after the writing.
    yield Figure("first sync: Google lists", size, reads, "", ceil(size / _GOOGLE_PAGE) + 2)
    yield Figure("first sync: Google writes", size, writes, "", ceil(size / _BATCH))
    yield Figure("first sync: reads of the group", size, google["contactGroups.get"])
    lists = pipedrive["getPersons"] + pipedrive["getOrganizations"]
    walks = 2 * ceil(size / PAGE) + ceil(max(organisations, 1) / PAGE) + 2
    yield Figure("first sync: Pipedrive lists", size, lists, "", walks + 2)
    written = pipedrive["addPerson"] + pipedrive["addOrganization"]
    yield Figure("first sync: Pipedrive writes", size, written, "", size + made)
    rest = pipedrive.total() - lists - written
    yield Figure("first sync: other Pipedrive calls (fields, user)", size, rest)
    tokens = sum(entry.tokens.get("cost", sum(entry.tokens.values())) for entry in world.log if entry.service == "pipedrive")
    bound = LIST_TOKENS * (walks + 2) + 5 * (size + made)
    yield Figure("first sync: tokens over the bound", size, tokens / bound, "", _SLACK)
    others = google.keys() - {"people.connections.list", "people.batchCreateContacts", "people.createContact", *_READS_A_GROUP}
    yield Figure("first sync: other Google calls", size, sum(google[kind] for kind in others))


def _changes(world: World, tandem: Tandem, link: int, size: int) -> Iterator[Figure]:
    contacts = world.google.state()["contacts"][:_CHANGES]
    for number, contact in enumerate(contacts):
        # Emptied last names would be held by the brake.
        name = {"givenName": f"New{number}", "familyName": contact["fields"]["names"][0].get("familyName", "Nowak")}
        world.google.human("update", {"id": contact["id"], "fields": {"names": [name]}})
    world.clock.advance(900)  # nothing of it is too young to be shown
    world.log.clear()
    tandem.cycle(link, cause="changes")
    pipedrive, google = _calls(world, "pipedrive"), _calls(world, "google")
    yield Figure(f"{_CHANGES} changes in Google: Pipedrive reads and writes", size, _single(pipedrive), "", 2 * _CHANGES)
    yield Figure(f"{_CHANGES} changes in Google: lists on both sides", size, _lists(google) + _lists(pipedrive))
    _rest(world, tandem, link)
    for number, person in enumerate(world.pipedrive.state()["persons"][:_CHANGES]):
        world.pipedrive.human("update_person", {"id": person["id"], "first_name": f"Newer{number}"})
    world.clock.advance(900)  # nothing of it is too young to be shown
    world.log.clear()
    tandem.cycle(link, cause="changes")
    google, pipedrive = _calls(world, "google"), _calls(world, "pipedrive")
    writes = google["people.batchUpdateContacts"] + google["people.updateContact"]
    yield Figure(f"{_CHANGES} changes in Pipedrive: Google writes", size, writes, "", 1)
    yield Figure(f"{_CHANGES} changes in Pipedrive: lists on both sides", size, _lists(google) + _lists(pipedrive))
    yield Figure(f"{_CHANGES} changes in Pipedrive: Pipedrive reads and writes", size, _single(pipedrive), "", 0)


def _single(calls: Counter[str]) -> int:
    return calls.total() - _lists(calls)


def _lists(calls: Counter[str]) -> int:
    return calls["getPersons"] + calls["getOrganizations"] + calls["people.connections.list"]


def _calls(world: World, service: str) -> Counter[str]:
    return Counter(entry.kind for entry in world.log if entry.service == service)


def _rest(world: World, tandem: Tandem, link: int) -> None:
    """Let everything come to rest, with webhooks that are well."""
    for _ in range(3):
        world.clock.advance(900)
        tandem.cycle(link, cause="settle")
    watches = models.Watch.objects.using(tandem.alias).filter(link_id=link, side="right")
    watches.update(subscriptions=["1", "2"], has_gap=False, next_look_at=None)
    world.clock.advance(900)
    tandem.cycle(link, cause="due")
    world.clock.advance(900)
    world.log.clear()


if __name__ == "__main__":
    run("calls", SIZES, measure)

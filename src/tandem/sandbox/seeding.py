"""Starting the sandbox anew: an empty world, or one with the made-up address book."""

from __future__ import annotations

from tandem.sandbox.people import Loaded, load_demo
from tandem.sandbox.world import World

BOOKS = ("demo", "empty")


def start_anew(world: World, book: str, seed: int = 1) -> Loaded | None:
    """An address book in empty services; loading it leaves no trace among the edits of people. ValueError for an unknown book."""
    if book not in BOOKS:
        raise ValueError("book must be demo or empty")
    world.reset(seed)
    if book == "empty":
        return None
    loaded = load_demo(world, seed)
    world.google.human_log.clear()
    world.pipedrive.human_log.clear()
    return loaded

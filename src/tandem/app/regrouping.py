"""Another group for a link: chosen by a person, or recognised as the same one made again."""

from __future__ import annotations

from tandem.app.linking import Label, Linking
from tandem.clock import Clock
from tandem.core.state import LinkId, PairState, Side
from tandem.engine.rejoin import ADOPT, LEAVE, ask_rejoin
from tandem.errors import GroupGone, LinkStopped, RemoteError
from tandem.store import models
from tandem.store.links import Links
from tandem.store.moments import linked
from tandem.store.pairs import Pairs
from tandem.store.schedule import Lease, Schedule


class Regrouping:
    """Changes the group of links. What becomes of the paired contacts is done by the next cycle."""

    def __init__(self, alias: str, linking: Linking, links: Links, clock: Clock) -> None:
        self._alias = alias
        self._linking = linking
        self._links = links
        self._clock = clock

    def choose(self, link: int, group: str, *, leaves: bool, creates: bool) -> tuple[Label, int]:
        """Choose another group. Returns it, and how many paired contacts are concerned. WrongInput: there is no such group."""
        row = self._links.one(link)
        label = self._linking.label(row.left_account, group, creates=creates)
        with linked(self._alias, link):
            self._links.regroup(LinkId(row.id), _with(row, label))
            ask_rejoin(self._alias, row.id, Side.LEFT, LEAVE if leaves else ADOPT, self._clock.now())
        return label, Pairs(self._alias, LinkId(link)).by_state().get(PairState.LINKED.value, 0)

    def find_again(self, row: models.Link, lease: Lease) -> models.Link:
        """After the group had gone: one of the same name, made since, is the same one, and the paired contacts go back into it.

        The caller holds the link's lease. Raises LeaseLost.
        """
        if row.reason != GroupGone.__name__:
            return row
        try:
            label = self._linking.same_again(row)
        except (LinkStopped, RemoteError):
            return row  # the cycle meets the trouble by itself
        if label is not None:
            with linked(self._alias, row.id):
                Schedule(self._alias).hold(lease, self._clock.now())
                self._links.keep_settings(LinkId(row.id), _with(row, label), row.right_settings, row.mapping_version)
                self._links.ask_full(LinkId(row.id))
                ask_rejoin(self._alias, row.id, Side.LEFT, ADOPT, self._clock.now())
        return self._links.one(row.id)


def _with(row: models.Link, label: Label) -> dict[str, object]:
    return {**row.left_settings, "group": label.resource, "title": label.title}

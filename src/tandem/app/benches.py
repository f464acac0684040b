"""What a cycle works with, built for one link: this is where the sides get their products."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tandem.app.preparations import kept
from tandem.app.services import Gate, Services
from tandem.app.watching import Watching
from tandem.clock import Clock
from tandem.config import Config
from tandem.connectors.google.replica import GoogleReplica
from tandem.connectors.pipedrive.reading import RunAll
from tandem.connectors.pipedrive.replica import PipedriveReplica
from tandem.core.canonical import MatchKey
from tandem.core.contact import ADDRESS, MESSENGERS, Delta, FieldName
from tandem.core.state import LinkId, Side
from tandem.engine.bench import Bench, Timings
from tandem.replica import References, Replica
from tandem.store import models
from tandem.store.archive import Archive
from tandem.store.grants import Grants
from tandem.store.links import Links
from tandem.store.schedule import Lease


class ForeseeingReplica(PipedriveReplica):
    """Before enabling: a field that has no place yet will have one, so that a preview shows what goes there."""

    def refusals(self, delta: Delta) -> Mapping[FieldName, str]:
        """What stays refused when the fields have been made."""
        return {name: sentence for name, sentence in super().refusals(delta).items() if name not in (MESSENGERS, ADDRESS)}


@dataclass(frozen=True, slots=True)
class Benches:
    """Makes benches. `digest_key`: for the hashes of match keys, which nobody can read back without it."""

    alias: str
    config: Config
    clock: Clock
    services: Services
    links: Links
    watching: Watching
    run_all: RunAll
    token: Callable[[], str]
    installation: str
    digest_key: bytes

    def make(self, row: models.Link, lease: Lease | None, news: Callable[..., None]) -> Bench:
        """A bench for a link. Without a lease it can look and not write."""
        link = LinkId(row.id)
        timeout_s = self.config.number("HTTP_TIMEOUT_S")
        gate = Gate(self.clock, timeout_s)
        archive = Archive(self.alias, link)
        references = {side: archive.known_references(side) for side in Side}
        replicas: dict[Side, Replica] = {
            Side.LEFT: self._google(row, gate),
            Side.RIGHT: self._pipedrive(row, gate, references[Side.RIGHT], is_shown_only=lease is None),
        }
        left, right = (kept(settings) for settings in (row.left_settings, row.right_settings))
        bench = Bench(
            alias=self.alias,
            link=link,
            policy=self.links.policy(row),
            mapping_version=row.mapping_version,
            replicas=replicas,
            references=references,
            lacking={**left.lacking, **right.lacking},
            installation=self.installation,
            digest=self._digest,
            clock=self.clock,
            timings=Timings(http_timeout_s=timeout_s, birth_quiet_s=self.config.number("BIRTH_QUIET_S")),
            token=self.token,
            news=news,
            spend_as=self.services.spend_as(row.right_account),
            lease=lease,
        )
        gate.bench = bench
        return bench

    def _digest(self, key: MatchKey) -> str:
        return hmac.digest(self.digest_key, key.text.encode(), "sha256").hex()[:24]

    def _google(self, row: models.Link, gate: Gate) -> GoogleReplica:
        door = self.services.door(row.left_account, gate, Grants.read_with(row.left_account))
        return GoogleReplica(door, group=str(row.left_settings["group"]), read_lag_s=self.config.number("GOOGLE_READ_LAG_S"))

    def _pipedrive(self, row: models.Link, gate: Gate, references: References, *, is_shown_only: bool) -> PipedriveReplica:
        settings = row.right_settings
        kind = ForeseeingReplica if is_shown_only and not settings.get("is_enabled") else PipedriveReplica
        return kind(
            self.services.door(row.right_account, gate, Grants.read_with(row.right_account)),
            references=references,
            layout=str(settings.get("layout", "")),
            owner_id=int(settings["owner"]),
            scope=str(settings["scope"]),
            read_lag_s=self.config.number("PIPEDRIVE_READ_LAG_S"),
            organisations_every=partial(self.watching.references_every_s, row),
            run_all=self.run_all,
        )

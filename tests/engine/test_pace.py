"""Promise: looking keeps within its part of the budget, is quick while something happens, and says when and why it looks next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine import ready
from tandem.engine.hints import Look
from tandem.engine.pace import DAY_S, LOOKING_PART, REFERENCES_EVERY, Adaptive, Metered, Seen, night_of, walk_tokens

assert ready
NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
#: One Lite seat: 30,000 tokens a day, of which half are ours; a book of a thousand persons at two hundred companies.
WALK = walk_tokens(1_000, 200, page=500, page_tokens=10)
ONE_SEAT = Metered(15_000, 10, 10, WALK)


def tokens_of_a_day(pace: Metered, seen: Seen, references_every_s: float) -> tuple[int, int, int]:
    """Live through a day by the clock, looking when the pace says so; returns tokens, looks, and walks."""
    now, tokens, looks, walks = NOON, 0, 0, 0
    seen = Seen(seen.drained_at or now, seen.listed_at or now, tells=seen.tells, has_gap=seen.has_gap)
    references_at = now
    end = now + timedelta(days=1)
    while True:
        following = pace.next_look(seen, now)
        now = max(now, following.at)
        if now >= end:
            return tokens, looks, walks
        if following.look is Look.FULL:
            tokens, walks, references_at = tokens + pace.walk_tokens, walks + 1, now
        else:
            tokens, looks = tokens + pace.look_tokens, looks + 1
            if (now - references_at).total_seconds() >= references_every_s:
                tokens, references_at = tokens + pace.reference_tokens, now
        seen = Seen(now, now if following.look is Look.FULL else seen.listed_at, tells=seen.tells)


def test_one_seat_is_looked_at_every_five_minutes() -> None:
    """The smallest company: persons every five minutes, organisations every thirty, and one walk a night, within a quarter of the share."""
    assert ONE_SEAT.every_s == 300
    assert ONE_SEAT.references_every_s == 1_800
    tokens, looks, walks = tokens_of_a_day(ONE_SEAT, Seen(), 1_800)
    assert WALK == 50
    assert (looks, walks) == (286, 1)
    assert tokens == 286 * 10 + 46 * 10 + 50 == 3_370
    assert tokens <= ONE_SEAT.tokens * LOOKING_PART


def test_webhooks_make_an_idle_day_cheap() -> None:
    """With webhooks: one look an hour at both kinds, one walk a night: 490 tokens."""
    tokens, looks, walks = tokens_of_a_day(ONE_SEAT, Seen(tells=True), ONE_SEAT.told_s)
    assert (looks, walks) == (22, 1)
    assert tokens == 22 * 20 + WALK == 490


@pytest.mark.parametrize("tokens", [0, 100, 1_500, 15_000, 60_000, 150_000, 1_000_000, 100_000_000])
@pytest.mark.parametrize("links", [1, 2, 5])
def test_looking_takes_a_quarter_at_most(tokens: int, links: int) -> None:
    """Whatever the budget, all links of a company together stay within its quarter, and none is asked more often than every 15 s."""
    pace = Metered(tokens, 10, 10, WALK, links)
    assert pace.every_s >= 15
    spent = DAY_S / pace.every_s * (10 + 10 / REFERENCES_EVERY) + WALK
    assert spent * links <= max(tokens * LOOKING_PART, links * (WALK + 12))


def test_a_gap_is_looked_into_at_once() -> None:
    """After a restart, a ban or a webhook that had to be made anew; and never again before its time."""
    seen = Seen(NOON, NOON, tells=True, has_gap=True)
    assert ONE_SEAT.next_look(seen, NOON).at == NOON
    following = ONE_SEAT.next_look(Seen(NOON, NOON, tells=True), NOON)
    assert (following.at, following.look) == (NOON + timedelta(hours=1), Look.CHANGES)
    assert "webhooks" in following.why
    assert ONE_SEAT.next_look(Seen(), NOON).at == NOON


def test_everything_is_listed_once_a_night() -> None:
    """Each night once, at a moment of the link's own between two and four; missed while we slept, it is made up for."""
    pace = Metered(15_000, 10, 10, WALK, night_s=night_of(1))
    evening = NOON.replace(hour=23)
    night = NOON.replace(hour=0) + timedelta(days=1, seconds=night_of(1))
    assert 7_200 <= night_of(1) <= 14_400
    assert night_of(1) != night_of(2)
    late = pace.next_look(Seen(night - timedelta(minutes=1), evening), night - timedelta(seconds=50))
    assert (late.at, late.look) == (night, Look.FULL)
    missed = pace.next_look(Seen(evening, evening), night + timedelta(hours=5))
    assert missed.look is Look.FULL
    assert pace.next_look(Seen(night, night + timedelta(seconds=1)), night + timedelta(minutes=1)).look is Look.CHANGES


def test_adaptive() -> None:
    """15 s after a change, a minute a quarter of an hour later, ten minutes in the end; never faster than the quota allows."""
    pace = Adaptive(60)
    assert (pace.every_s(0), pace.every_s(900)) == (15, 60)
    assert [pace.every_s(idle) for idle in (1_800, 2_700, 3_600, 100_000)] == [120, 240, 480, 600]
    assert Adaptive(60, links=4).every_s(0) == 32
    assert Adaptive(6).every_s(0) == 80


def test_adaptive_links_do_not_march_in_step() -> None:
    """Two links look at other moments, by a fifth of the time at most, and the same link at the same ones whenever it is asked."""
    seen = Seen(NOON, NOON, NOON - timedelta(minutes=5))
    looks = {seed: Adaptive(60, seed=seed).next_look(seen, NOON) for seed in "abc"}
    assert len({look.at for look in looks.values()}) == 3
    every = Adaptive(60).every_s(300)
    assert all(0.8 * every <= (look.at - NOON).total_seconds() <= every for look in looks.values())
    assert looks["a"] == Adaptive(60, seed="a").next_look(seen, NOON)
    assert "short while" in looks["a"].why

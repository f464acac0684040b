"""Bring an installation back out of a backup."""

from __future__ import annotations

from tandem.engine.outside import ADOPTING
from tandem.engine.rejoin import REGROUP
from tandem.engine.reopening import UNDONE
from tandem.engine.restored import WANTED
from tandem.engine.withdrawal import WITHDRAWING
from tandem.store.reviving import UnderWay

UNDER_WAY = UnderWay(pairs=(WANTED, ADOPTING, WITHDRAWING), given_up=UNDONE, questions=(REGROUP,))

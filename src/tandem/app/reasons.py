"""Why a link does not go on: for each reason one sentence and one thing to do, the same wherever a person reads it.

Rules: a reason is the name of a class of `LinkStopped`, or a word that the engine keeps with a waiting link. What the link itself
says comes first where it says more (a number, a name); the sentence here is for the rest, and the thing to do is always from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem.store import models


@dataclass(frozen=True, slots=True)
class Reason:
    """What is the matter, and what to do about it. `{link}` stands for the link's number; nothing to do is empty."""

    sentence: str
    to_do: str


_AGAIN = "then `tandem sync {link}`."
REASONS: Mapping[str, Reason] = {
    # needs a person
    "LinkStopped": Reason("Something stands in the way that only a person can mend.", f"`tandem doctor` looks at everything; {_AGAIN}"),
    "ReconnectNeeded": Reason(
        "An account does not accept Tandem any more: its consent was withdrawn, or the token is no longer valid.",
        f"connect it again with `tandem account add google` or `pipedrive`, {_AGAIN}",
    ),
    "ConsentNarrowed": Reason(
        "An account is connected without a right that Tandem needs.",
        f"connect it again with `tandem account add` and tick every box, {_AGAIN}",
    ),
    "AccountChanged": Reason(
        "The token belongs to another account than the one this link was made with.",
        f"connect the right account with `tandem account add`, {_AGAIN}",
    ),
    "AccountClosed": Reason(
        "The company's Pipedrive account is closed or unpaid; nothing can be read or written there.",
        f"have the company's account opened again, {_AGAIN}",
    ),
    "GroupGone": Reason(
        "The chosen group or filter is not there any more; nothing is concluded about who was in it.",
        "`tandem link regroup {link} --group NAME` chooses another one; or make the same one again, and `tandem sync {link}`.",
    ),
    "ScopeLeft": Reason(
        "Many contacts at once are outside the chosen group or filter; nothing was deleted or changed.",
        "put them back and `tandem sync {link}`; or, if they shall stay outside, `tandem link let-go {link}`.",
    ),
    "ListingDoubted": Reason(
        "Two looks at one side do not agree on what is there, so nothing was created.", "wait a minute, then `tandem sync {link}`."
    ),
    "OtherInstallation": Reason(
        "Another Tandem has made contacts here; two of them on one address book would double everything.",
        "stop the other one for good, then `tandem link resume {link} --other-tandem-is-gone`.",
    ),
    "PermissionWithdrawn": Reason(
        "A service refuses what this link needs, though the account is connected: a permission was withdrawn.",
        f"ask the administrator of that account for it, {_AGAIN}",
    ),
    "ServiceSwitchedOff": Reason(
        "The People API is switched off in the Google project that this Tandem uses.", f"switch it on in the Google Cloud console, {_AGAIN}"
    ),
    # goes on by itself
    "quota": Reason("The budget of calls is used up for now; what people change meanwhile is kept and goes over afterwards.", ""),
    "unavailable": Reason("A service does not answer, or asks to go slower; nothing was lost, and it is tried again by itself.", ""),
    "layout": Reason("A field in which this link keeps something has gone; the fields are looked for again by itself.", ""),
}
_BY_STATE: Mapping[str, Reason] = {
    "draft": Reason("", "`tandem preview {link}` shows the first sync, `tandem sync {link}` does it."),
    "restored": Reason(
        "This link came out of a backup; nothing is written anywhere before you have looked at what follows.",
        "`tandem preview {link}` shows it, `tandem sync {link}` does it.",
    ),
    "paused": Reason("", "`tandem link resume {link}` lets it go on."),
}
_NONE = Reason("", "")


def reason_of(row: models.Link) -> Reason:
    """Why a link stands as it stands; empty texts for one that is in order."""
    found = _BY_STATE.get(row.state, _NONE)
    if row.state in {"waiting", "needs-person"}:
        found = REASONS.get(row.reason, REASONS["LinkStopped"] if row.state == "needs-person" else _NONE)
    return Reason(row.sentence or found.sentence, found.to_do.format(link=row.id))

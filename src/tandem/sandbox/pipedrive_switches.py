"""Named behaviours of the imitated Pipedrive: where nobody documents what the real one does, both ways can be tried.

Rules: a switch's value decides at the moment of the call; every switch stands here with its default and what it does.
A default is the best guess where there is one, else the more troublesome of the two.
"""

from __future__ import annotations

from tandem.sandbox.service import Switch

SWITCHES: dict[str, tuple[Switch, str]] = {
    # the company and its users
    "account_open": (True, "False: every call answers 402, as for a company whose trial has run out"),
    "contact_sync_enabled": (False, "True: im, postal_address, notes, birthday, job_title exist; else writing them is 403"),
    "visibility_groups": (False, "True: visible_to may be 1, 3, 5, 7 (larger plans); False: 1 and 3 only"),
    "admin_sees_all": (False, "True: visible_to does not hide anything from administrators"),
    "custom_field_limit": (30, "how many custom fields persons and organisations may have together"),
    "webhook_limit": (40, "how many webhooks one user may have"),
    "token_in_query": (True, "True: ?api_token= works as the header does"),
    "user.1.add_persons": (True, "may user 1 add persons"),
    "user.1.add_organizations": (True, "may user 1 add organisations"),
    "user.1.add_fields": (True, "may user 1 make, rename and delete custom fields"),
    "user.2.add_persons": (True, "may user 2 add persons"),
    "user.2.add_organizations": (True, "may user 2 add organisations"),
    "user.2.add_fields": (False, "may user 2 make, rename and delete custom fields"),
    # reading
    "read_lag_s": (0.0, "lists, recents and the change log show the state of so many seconds ago"),
    "get_lag_s": (0.0, "single reads show the state of so many seconds ago"),
    "over_limit": ("refuse", "limit above the maximum: refuse (400) or clamp"),
    "bad_cursor": ("refuse", "a cursor that cannot be read: refuse (400) or start from the beginning (restart)"),
    "deleted_get": ("show", "GET of a deleted record: show (200 with is_deleted true) or 404"),
    "deleted_write": ("404", "PATCH or DELETE of a deleted record: 404 or accept"),
    "deleted_org_link": ("keep", "org_id of a person whose organisation is deleted: keep, or drop (null when read)"),
    "filter_with_updated_since": ("combine", "filter_id together with updated_since/updated_until: combine or ignore the times"),
    "hide_counts": ("", "comma list of include_fields that are left out of answers although asked for"),
    "formatted_address": (False, "True: addresses carry formatted_address when read"),
    "search_lag_s": (0.0, "searches know the state of so many seconds ago"),
    "search_deleted_person_s": (3600.0, "for how long searches still find a deleted person"),
    "search_deleted_organization_s": (-1.0, "for how long searches still find a deleted organisation; -1: until it is purged"),
    # writing
    "null_scalars": ("refuse", "null for a built-in text or date: refuse (400) or accept (clears it)"),
    "null_org_id": ("accept", "null for org_id: accept (unlinks) or refuse (400)"),
    "null_address": ("accept", "null for postal_address and address: accept (clears it) or refuse (400)"),
    "noop_patch_touches": (True, "True: a PATCH that changes nothing still moves update_time (no webhook, no change log line)"),
    "counts_touch": (True, "True: a change of deal or activity counts moves update_time and fires webhooks"),
    # limits
    "limits": (True, "False: no rate limits at all"),
    "daily_tokens": (30_000, "the company's token budget of a day"),
    "reset_offset_h": (0.0, "time zone of the midnight at which the budget starts anew, hours east of UTC"),
    "failed_calls_cost": (True, "True: calls that answer 4xx cost tokens as well"),
    "burst_api_token": (20, "calls per rolling 2 s with an API token"),
    "burst_oauth": (80, "calls per rolling 2 s with an OAuth token"),
    "burst_search": (10, "search calls per rolling 2 s, whatever the token"),
    "burst_headers": (True, "False: answers carry no x-ratelimit-* headers"),
    "daily_headers": (True, "False: answers carry no x-daily-ratelimit-token-* headers"),
    "retry_after": (False, "True: 429 carries Retry-After"),
    "cloudflare_after": (20, "so many refusals (429) within 10 s and an API token is blocked with a 403 page; 0: never"),
    "cloudflare_block_s": (60.0, "how long that block lasts"),
    # OAuth
    "oauth_scopes": ("base,contacts:full,contact-fields:full,admin,recents:read,users:read,search:read", "scopes of the app"),
    "oauth_callback": ("", "the app's registered callback URL; empty: any is taken"),
    "oauth_rotates": (False, "True: each refresh gives another refresh token and ends the old one"),
    "oauth_body_credentials": (True, "False: the app proves itself by Basic authorization only"),
    "api_domain": ("", "api_domain of token answers; empty: the host of the request, under /pipedrive"),
    # webhooks
    "webhook_contact_sync_keys": (False, "True: webhook data carries the contact sync keys"),
    "webhook_delay_s": (0.0, "seconds between a change and its first delivery"),
    "webhook_loss": (0.0, "probability that an event is never sent"),
    "webhook_duplication": (0.0, "probability that an event is sent twice"),
    "webhook_reorder_s": (0.0, "up to so many seconds are added to each delivery by chance"),
}


def defaults() -> dict[str, Switch]:
    """A fresh set of switches."""
    return {name: value for name, (value, _) in SWITCHES.items()}

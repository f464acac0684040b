"""The published quotas: what each call costs in which bucket, and the 429 that an empty bucket gives.

Costs are published; limits are not, and differ per project: they are switches (`quota_...`, per minute or day). Windows are fixed
minutes of the clock. A refused call costs nothing; a failed one costs all.
Source: the guide "Read and Manage Contacts" for the costs; limits as seen in consoles (60-180); bodies from public issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem.sandbox.google_errors import ApiError
from tandem.sandbox.google_model import Account
from tandem.sandbox.service import Switch
from tandem.sandbox.wire import JsonObject

PROJECT = "000000000000"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One quota: the console's name of it, the metric's and the limit's, and its window."""

    title: str
    metric: str
    limit: str
    window_s: float = 60.0


BUCKETS: dict[str, Bucket] = {
    "critical_read": Bucket("Critical read requests (Contact and Profile Reads)", "critical_read_requests", "CriticalReads"),
    "critical_write": Bucket("Critical write requests (Contact Creates and Updates)", "critical_write_requests", "CriticalWrites"),
    "read": Bucket("Read requests (Contact Group Reads)", "read_requests", "Reads"),
    "write": Bucket("Write requests (Contact Deletes and Contact Group Writes)", "write_requests", "Writes"),
    "daily_write": Bucket("Daily Contact Writes (Total)", "daily_contact_writes", "DailyContactWrites", 86400.0),
    "full_sync": Bucket("Full sync requests", "full_sync_requests", "FullSyncs"),
}
_READ = {"critical_read": 1}
_GROUP_READ = {"read": 1}
_GROUP_WRITE = {"write": 1}
_ONE = {"critical_read": 1, "critical_write": 1, "daily_write": 1}
_MANY = {"critical_read": 6, "critical_write": 6, "daily_write": 200}
COSTS: dict[str, Mapping[str, int]] = {
    "people.connections.list": _READ,
    "people.get": _READ,
    "people.getBatchGet": _READ,
    "people.createContact": _ONE,
    "people.updateContact": _ONE,
    "people.batchCreateContacts": _MANY,
    "people.batchUpdateContacts": _MANY,
    "people.deleteContact": {"write": 1},
    "people.batchDeleteContacts": {"write": 10},
    "contactGroups.list": _GROUP_READ,
    "contactGroups.get": _GROUP_READ,
    "contactGroups.batchGet": _GROUP_READ,
    "contactGroups.create": _GROUP_WRITE,
    "contactGroups.update": _GROUP_WRITE,
    "contactGroups.delete": _GROUP_WRITE,
    "contactGroups.members.modify": _GROUP_WRITE,
}


def spend(account: Account, costs: Mapping[str, int], switches: Mapping[str, Switch], now: float) -> None:
    """Take the costs out of the account's buckets, all or none. ApiError 429 for the first that is empty; a limit of 0 is none."""
    windows: dict[str, tuple[float, int]] = {}
    for name, cost in costs.items():
        start = now - now % BUCKETS[name].window_s
        window = account.spent.get(name, (start, 0))
        used = window[1] if window[0] == start else 0
        limit = int(switches[f"quota_{name}"])
        if switches["quotas"] and limit and used + cost > limit:
            raise _exceeded(BUCKETS[name])
        windows[name] = (start, used + cost)
    account.spent.update(windows)


def _exceeded(bucket: Bucket) -> ApiError:
    """The body as seen; the real answer has no Retry-After either."""
    per = "minute" if bucket.window_s == 60 else "day"
    metadata: JsonObject = {
        "quota_limit": f"{bucket.limit}Per{per.capitalize()}PerProjectPerUser",
        "service": "people.googleapis.com",
        "quota_metric": f"people.googleapis.com/{bucket.metric}",
        "consumer": f"projects/{PROJECT}",
    }
    info: JsonObject = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": metadata,
    }
    message = (
        f"Quota exceeded for quota metric '{bucket.title}' and limit '{bucket.title} per {per} per user' "
        f"of service 'people.googleapis.com' for consumer 'project_number:{PROJECT}'."
    )
    return ApiError("RESOURCE_EXHAUSTED", message, [info])

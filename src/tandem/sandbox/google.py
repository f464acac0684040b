"""The imitation of Google's People API and OAuth, put together: who calls, what it costs, and which part answers.

Switches hold what is open or differs between accounts and projects; their defaults are the likely or the sterner behaviour.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from tandem.sandbox.clock import Clock
from tandem.sandbox.google_asked import Asked
from tandem.sandbox.google_errors import ApiError, api_disabled, scope_insufficient, unauthenticated
from tandem.sandbox.google_human import HumanEdit, People, edit
from tandem.sandbox.google_listing import closing_token, full_sync_cost
from tandem.sandbox.google_model import Account, Shelf, new_book
from tandem.sandbox.google_oauth import (
    CLIENT_ID,
    CLIENT_SECRET,
    CONTACTS,
    EMAIL,
    OPENID,
    PROFILE,
    REFRESH_TOKEN,
    Access,
    Client,
    OAuth,
)
from tandem.sandbox.google_quota import COSTS, PROJECT, spend
from tandem.sandbox.google_routes import Route, check_query, find, unwrapped
from tandem.sandbox.google_state import raw_book
from tandem.sandbox.service import Switch
from tandem.sandbox.wire import Call, Json, Request, Response, answer

ACCOUNT_EMAIL = "sandbox.person@example.com"
ACCOUNT_NAME = "Sandbox Person"
ALL_SCOPES = (OPENID, EMAIL, PROFILE, CONTACTS)

SWITCHES: dict[str, Switch] = {
    # Listings show the state of so many seconds ago (the documentation says: minutes), single reads of so many.
    "read_lag_s": 0.0,
    "get_lag_s": 0.0,
    # A new group is 404 for so long (seen: about 2 seconds).
    "group_delay_s": 0.0,
    # Quotas at all; each bucket per minute (daily_write: per day) and account; 0 is no limit. Consoles show 60 to 180.
    "quotas": True,
    "quota_critical_read": 90,
    "quota_critical_write": 90,
    "quota_read": 120,
    "quota_write": 90,
    "quota_daily_write": 100_000,
    "quota_full_sync": 0,
    # What every account is limited to; the trash counts. The status of the refusal is not known.
    "contact_limit": 25_000,
    "overflow_status": "FAILED_PRECONDITION",
    # Whether the profile data of other people comes along when the source is asked for.
    "merge_profiles": True,
    # Whether putting a contact into a label or out of it moves the contact's etag and time.
    "membership_bumps_etag": True,
    # Whether an update that changes nothing moves the etag.
    "noop_update_bumps_etag": True,
    # Whether an incremental listing starts the seven days anew (the documentation says: no).
    "sync_token_renews": False,
    # Whether a sync token is tied to the page size as to all other parameters.
    "sync_token_binds_page_size": True,
    # Whether a free name that contradicts the parts wins over them.
    "unstructured_name_wins": True,
    # Whether a contact with no field at all is refused.
    "refuse_empty_contact": True,
    # Whether one unknown name refuses a whole batch of deletions.
    "batch_delete_needs_all": True,
    # Whether labels that differ in case only are the same.
    "group_names_fold_case": True,
    # Whether `Mobile` becomes the predefined `mobile`.
    "fold_type_case": False,
    # Whether a contact that comes back from the trash gets another id.
    "restore_gives_new_id": False,
    # The country that numbers without one are read in; empty: none.
    "account_region": "",
    # The project is in "Testing": refresh tokens die after seven days.
    "oauth_testing_mode": False,
    # A code is given only for a question with a PKCE challenge (S256).
    "oauth_needs_pkce": False,
    # The project has the People API switched off.
    "api_disabled": False,
}


class GoogleService:
    """One imitated Google with its accounts, seen through its wire."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.switches: dict[str, Switch] = dict(SWITCHES)
        self.accounts: dict[str, Account] = {}
        self.oauth = OAuth(rng, self.switches, self.accounts, {CLIENT_ID: Client(CLIENT_ID, CLIENT_SECRET)})
        self.human_log: list[HumanEdit] = []
        self.secret = rng.randbytes(16)
        self.add_account(ACCOUNT_EMAIL, ACCOUNT_NAME)
        self.oauth.grant(ACCOUNT_EMAIL, CLIENT_ID, ALL_SCOPES, self._now(), REFRESH_TOKEN)

    def add_account(self, email: str, name: str) -> Account:
        """Another Google user, with an empty book."""
        account = Account(f"1{self.rng.randrange(10**20):020}", email, name)
        self.accounts[email] = account
        new_book(self._shelf(account))
        return account

    def describe(self, request: Request) -> Call:
        """Name the call."""
        request = unwrapped(request)
        route, _ = find(request)
        return Call(route.kind, route.is_write) if route is not None else Call("unknown", request.method not in {"GET", "HEAD", "OPTIONS"})

    def handle(self, request: Request) -> Response:
        """Answer one request; what is not imitated gets 501."""
        request = unwrapped(request)
        route, names = find(request)
        if route is not None and route.kind.startswith("oauth."):
            return self.oauth.handle(route.kind, request, self._now())
        costs: Mapping[str, int] = {}
        try:
            if route is None or route.answer is None or request.one("fields"):
                what = "fields" if route is not None and route.answer is not None else f"{request.method} {request.path}"
                raise ApiError("UNIMPLEMENTED", f"The sandbox does not imitate {what}")
            asked = self._asked(route, request, names)
            check_query(route, request)
            due = {**COSTS[route.kind], **(full_sync_cost(asked) if route.kind == "people.connections.list" else {})}
            spend(asked.account, due, self.switches, asked.shelf.now)
            costs = due
            return answer(route.answer(asked), tokens=costs)
        except ApiError as error:
            return error.response(costs)

    def closing_token(self, request: Request) -> str:
        """A sync token for a listing that a fault has shortened; empty when the call is none or fails."""
        route, names = find(request := unwrapped(request))
        if route is None or route.kind != "people.connections.list":
            return ""
        try:
            return closing_token(self._asked(route, request, names))
        except ApiError:
            return ""

    def human(self, op: str, arguments: Mapping[str, Json]) -> Json:
        """An edit as its owner makes it in Google Contacts or in the account's settings; see `google_human.py` for the operations."""
        return edit(People(self, op, arguments))

    def state(self) -> Json:
        """The first account's contacts, groups and counters; the other accounts' under `others`, by address."""
        books = {email: raw_book(account.book) for email, account in self.accounts.items()}
        first = books.pop(ACCOUNT_EMAIL)
        return {**first, "others": dict(sorted(books.items()))}

    def _asked(self, route: Route, request: Request, names: tuple[str, ...]) -> Asked:
        """The call with its caller. ApiError 401, 403."""
        access = self._access(route, request)
        account = self.accounts[access.email]
        secret = self.secret + account.account_id.encode()
        return Asked(request, account, self._shelf(account), secret, names, frozenset(access.scopes))

    def _access(self, route: Route, request: Request) -> Access:
        access = self.oauth.bearer(request, self._now())
        if access is None:
            raise unauthenticated(missing="authorization" not in request.headers and not request.one("access_token"))
        if self.switches["api_disabled"]:
            raise api_disabled(PROJECT)
        if not set(route.scopes) & set(access.scopes):
            raise scope_insufficient(route.scopes)
        return access

    def shelf(self, email: str = ACCOUNT_EMAIL) -> Shelf:
        """What an edit of an account's book works with. KeyError for an unknown address."""
        return self._shelf(self.accounts[email])

    def _shelf(self, account: Account) -> Shelf:
        return Shelf(account.book, self._now(), self.rng, self.switches)

    def _now(self) -> float:
        return self.clock.now().timestamp()

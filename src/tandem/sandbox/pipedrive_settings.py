"""Users, user settings, filters and webhook subscriptions: the small v1 calls round the records."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from tandem.sandbox.pipedrive_calls import Call, found
from tandem.sandbox.pipedrive_company import COMPANY_DOMAIN, COMPANY_ID, COMPANY_NAME, Filter, User
from tandem.sandbox.pipedrive_errors import RefusedError, old_refusal
from tandem.sandbox.pipedrive_model import Object, old_instant
from tandem.sandbox.pipedrive_webhooks import ACTIONS, OBJECTS, Webhook
from tandem.sandbox.wire import Json, Response, answer

_CREATED = "2024-03-01 08:00:00"


def _shown(user: User, user_id: int) -> Object:
    access: list[Json] = [
        {"app": app, "admin": user.is_admin, "permission_set_id": f"00000000-0000-4000-8000-00000000000{place}"}
        for place, app in enumerate(("sales", "global", "account_settings"), 1)
    ]
    return {
        "id": user.id,
        "name": user.name,
        "default_currency": "PLN",
        "locale": user.locale,
        "lang": 1,
        "email": user.email,
        "phone": None,
        "activated": True,
        "last_login": _CREATED,
        "created": _CREATED,
        "modified": _CREATED,
        "has_created_company": user.id == 1,
        "access": access,
        "active_flag": True,
        "timezone_name": user.timezone_name,
        "timezone_offset": "+01:00",
        "role_id": 1,
        "icon_url": None,
        "is_you": user.id == user_id,
        "is_deleted": False,
    }


def me(call: Call) -> Response:
    """GET users/me: the caller and the company."""
    user = call.company.users[call.user_id]
    company: Object = {
        "company_id": COMPANY_ID,
        "company_name": COMPANY_NAME,
        "company_domain": COMPANY_DOMAIN,
        "company_country": "PL",
        "company_industry": None,
        "language": {"language_code": "pl", "country_code": "PL"},
    }
    return found({**_shown(user, call.user_id), **company})


def list_users(call: Call) -> Response:
    """GET users."""
    return found([_shown(user, call.user_id) for user in call.company.users.values()])


def get_user(call: Call) -> Response:
    """GET of one user."""
    user = call.company.users.get(call.id)
    if user is None:
        raise RefusedError(answer({"success": False, "error": "User not found or not accessible."}, 404))
    return found(_shown(user, call.user_id))


def user_settings(_call: Call) -> Response:
    """GET userSettings."""
    return found(
        {
            "marketplace_team": False,
            "list_limit": 100,
            "beta_app": True,
            "prevent_salesphone_callto_override": False,
            "file_upload_destination": "s3",
            "callto_link_syntax": "callto:[number]",
            "autofill_deal_expected_close_date": False,
            "person_duplicate_condition": "name && (org_id || email || phone)",
        }
    )


# --- filters ----------------------------------------------------------------------------------------------------------------


def _filter_shown(one: Filter) -> Object:
    return {
        "id": one.id,
        "name": one.name,
        "filter_code": None,
        "is_editable": True,
        "active_flag": True,
        "type": one.type,
        "temporary_flag": None,
        "user_id": one.user_id,
        "add_time": old_instant(one.add_time),
        "update_time": old_instant(one.add_time),
        "visible_to": "7",
        "last_used_time": None,
        "custom_view_id": None,
    }


def list_filters(call: Call) -> Response:
    """GET filters, of one type where asked."""
    type_ = call.request.one("type")
    return found([_filter_shown(one) for one in call.company.filters.values() if type_ in ("", one.type)])


def get_filter(call: Call) -> Response:
    """GET of one filter with its conditions."""
    one = call.company.filters.get(call.id)
    if one is None:
        raise old_refusal(404, "Filter not found")
    with_code = call.request.one("include_field_code") in ("1", "true")
    places = {code: place for place, code in enumerate(call.company.persons.fields, 1)}
    conditions: list[Json] = [
        {
            "object": "person" if one.type == "people" else "organization",
            "field_id": str(places.get(code, 0)),
            "operator": operator,
            "extra_value": None,
            "value": value,
            "json_value_flag": False,
            **({"field_code": code} if with_code else {}),
        }
        for code, operator, value in one.conditions
    ]
    groups: list[Json] = [{"glue": "and", "conditions": conditions}, {"glue": "or", "conditions": []}]
    return found({**_filter_shown(one), "conditions": {"glue": "and", "conditions": groups}})


# --- webhooks ---------------------------------------------------------------------------------------------------------------


def list_webhooks(call: Call) -> Response:
    """GET webhooks: those of the caller; an app sees its own, a person those that are not an app's."""
    type_ = "application" if call.oauth else "general"
    mine = [one for one in call.company.outbox.webhooks.values() if one.owner_id == call.user_id and one.type == type_]
    return answer({"status": "ok", "success": True, "data": [one.shown(COMPANY_ID) for one in mine]})


def _wrong(status: int = 400, **errors: str) -> RefusedError:
    return RefusedError(answer({"status": "error", "success": False, "errors": {key: [text] for key, text in errors.items()}}, status))


def add_webhook(call: Call) -> Response:
    """POST webhook; 422 when the caller has as many as are allowed."""
    try:
        body = json.loads(call.request.body or b"null")
    except ValueError as error:
        raise _wrong(body="invalid JSON") from error
    if not isinstance(body, dict):
        raise _wrong(body="invalid JSON")
    url, user_id = body.get("subscription_url"), body.get("user_id", call.user_id)
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise _wrong(subscription_url="invalid or non-reachable URL")
    if body.get("event_action") not in ACTIONS:
        raise _wrong(event_action="invalid value")
    if body.get("event_object") not in OBJECTS:
        raise _wrong(event_object="invalid value")
    if not isinstance(body.get("name"), str) or not 1 <= len(body["name"]) <= 255:
        raise _wrong(name="invalid value")
    if body.get("version", "2.0") != "2.0":
        raise _wrong(version="the sandbox knows version 2.0 only")
    if user_id not in call.company.users:
        raise _wrong(user_id="invalid value")
    outbox = call.company.outbox
    if sum(one.owner_id == call.user_id for one in outbox.webhooks.values()) >= int(call.company.switches["webhook_limit"]):
        raise _wrong(422, webhook="limit reached")
    user, password = body.get("http_auth_user"), body.get("http_auth_password")
    webhook = Webhook(
        id=outbox.next_webhook,
        user_id=user_id,
        owner_id=call.user_id,
        name=body["name"],
        url=url,
        action=body["event_action"],
        object=body["event_object"],
        type="application" if call.oauth else "general",
        added_at=call.company.now(),
        auth=(str(user), str(password or "")) if user else None,
    )
    outbox.webhooks[webhook.id] = webhook
    outbox.next_webhook += 1
    return answer({"status": "ok", "success": True, "data": webhook.shown(COMPANY_ID)}, 201)


def delete_webhook(call: Call) -> Response:
    """DELETE webhook; 403 for another's."""
    text = call.arguments["id"]
    webhook = call.company.outbox.webhooks.get(int(text)) if text.isdigit() else None
    if webhook is None:
        raise _wrong(404, id="not found")
    if webhook.owner_id != call.user_id or (webhook.type == "application") != call.oauth:
        raise RefusedError(answer({"success": False, "message": "Forbidden"}, 403))
    call.company.outbox.remove(webhook.id)
    return answer({"status": "ok", "success": True})

"""The calls on people: get, create, update, delete, one by one and in batches; `google_listing.py` lists them.

Source: reference pages of the People API v1; the order of checks is the likely one.
"""

from __future__ import annotations

from tandem.sandbox.google_asked import READABLE, UPDATABLE, Asked, read_sources
from tandem.sandbox.google_body import as_list, as_object, as_text, only, read_json, read_mask, read_person
from tandem.sandbox.google_contacts import Change, find_contact, prepare_create, prepare_update, store, trash
from tandem.sandbox.google_errors import ApiError, batch_failed, invalid, not_found, scope_insufficient
from tandem.sandbox.google_model import Life
from tandem.sandbox.google_oauth import CONTACTS, CONTACTS_READONLY
from tandem.sandbox.google_person import person_etag
from tandem.sandbox.wire import Json, JsonObject

CONTACT_SCOPES = frozenset({CONTACTS, CONTACTS_READONLY})
MAX_BATCH = 200
MAX_BATCH_DELETE = 500


def get_person(asked: Asked) -> JsonObject:
    """people.get, of a contact or of the account itself."""
    mask = asked.mask("personFields", "people/get")
    return _one(asked, f"people/{asked.names[0]}", mask, asked.sources())


def batch_get(asked: Asked) -> JsonObject:
    """people.getBatchGet: an answer per name, in order; a missing one is an entry with a status."""
    mask, sources = asked.mask("personFields", "people/get"), asked.sources()
    names = asked.request.every("resourceNames")
    if not 0 < len(names) <= MAX_BATCH:
        raise invalid()
    responses: list[Json] = []
    for name in names:
        try:
            found = _one(asked, name, mask, sources)
        except ApiError as error:
            if error.status != "NOT_FOUND":
                raise
            responses.append({"httpStatusCode": error.code, "requestedResourceName": name, "status": error.rpc_status()})
        else:
            responses.append(_response(found, name))
    return {"responses": responses}


def _one(asked: Asked, name: str, mask: frozenset[str], sources: frozenset[str]) -> JsonObject:
    if name in {"people/me", f"people/{asked.account.account_id}"}:
        return _myself(asked, mask, sources)
    if not asked.scopes & CONTACT_SCOPES:
        raise scope_insufficient(sorted(CONTACT_SCOPES))
    record = asked.shelf.book.contact(name)
    version = record.seen(asked.shelf.now - asked.shelf.number("get_lag_s")) if record is not None else None
    if record is None or version is None or version.state.life is not Life.LIVE:
        raise not_found()
    return asked.show(version.state, record.record_id, mask, sources)


def _myself(asked: Asked, mask: frozenset[str], sources: frozenset[str]) -> JsonObject:
    """The account's own profile, as far as the token's scopes reach."""
    account = asked.account
    source: JsonObject = {"type": "PROFILE", "id": account.account_id}
    marks: JsonObject = {"primary": True, "source": source}
    result: JsonObject = {"resourceName": f"people/{account.account_id}", "etag": person_etag(mask, "")}
    if "metadata" in mask:
        seen: JsonObject = {"objectType": "PERSON", "userTypes": ["GOOGLE_USER"]}
        result["metadata"] = {"sources": [{**source, "profileMetadata": seen}], "objectType": "PERSON"}
    if "READ_SOURCE_TYPE_PROFILE" not in sources:
        return result
    if "emailAddresses" in mask and any("email" in scope for scope in asked.scopes):
        result["emailAddresses"] = [{"metadata": {**marks, "verified": True}, "value": account.email}]
    if "names" in mask and any("profile" in scope for scope in asked.scopes):
        given, _, family = account.name.rpartition(" ")
        shown: JsonObject = {"displayName": account.name, "familyName": family, "givenName": given}
        result["names"] = [{"metadata": marks, **shown, "displayNameLastFirst": f"{family}, {given}", "unstructuredName": account.name}]
    return result


def create_contact(asked: Asked) -> JsonObject:
    """people.createContact."""
    mask, sources = asked.mask("personFields", "people/createContact", default_all=True), asked.sources()
    change = prepare_create(asked.shelf, read_person(read_json(asked.request.body)))
    store(asked.shelf, change)
    return asked.show(change.state, change.source_id, mask, sources)


def update_contact(asked: Asked) -> JsonObject:
    """people.updateContact."""
    read, sources = asked.mask("personFields", "people/updateContact", default_all=True), asked.sources()
    mask = read_mask(asked.request.one("updatePersonFields"), "updatePersonFields", UPDATABLE, "people/updateContact")
    body = read_person(read_json(asked.request.body))
    change = prepare_update(asked.shelf, f"people/{asked.names[0]}", body, mask)
    store(asked.shelf, change)
    return asked.show(change.state, change.source_id, read, sources)


def delete_contact(asked: Asked) -> JsonObject:
    """people.deleteContact."""
    trash(asked.shelf, find_contact(asked.shelf, f"people/{asked.names[0]}"))
    return {}


def batch_create(asked: Asked) -> JsonObject:
    """people.batchCreateContacts: all or none."""
    body = only(read_json(asked.request.body), frozenset({"contacts", "readMask", "sources"}), "")
    contacts = [
        only(as_object(contact, "contacts"), frozenset({"contactPerson"}), "contacts")
        for contact in as_list(body.get("contacts"), "contacts")
    ]
    if not 0 < len(contacts) <= MAX_BATCH:
        raise invalid()
    read, sources = _batch_read(body, "people/batchCreateContacts")
    people = [read_person(contact.get("contactPerson", {}), f"contacts[{n}].contact_person") for n, contact in enumerate(contacts)]
    changes: list[Change] = []
    errors: dict[str, ApiError] = {}
    for n, sent in enumerate(people):
        try:
            changes.append(prepare_create(asked.shelf, sent, ahead=len(changes)))
        except ApiError as error:
            errors[str(n)] = error
    if errors:
        raise batch_failed("BatchCreateContactsErrorDetails", errors)
    for change in changes:
        store(asked.shelf, change)
    if not read:
        return {}
    return {"createdPeople": [_created(asked.show(change.state, change.source_id, read, sources)) for change in changes]}


def batch_update(asked: Asked) -> JsonObject:
    """people.batchUpdateContacts: one mask for all; all or none."""
    body = only(read_json(asked.request.body), frozenset({"contacts", "readMask", "sources", "updateMask"}), "")
    if isinstance(body.get("contacts"), list):
        raise invalid("Invalid JSON payload received. Unknown name \"contacts\": Cannot bind a list to map for field 'contacts'.")
    contacts = as_object(body.get("contacts", {}), "contacts")
    if not 0 < len(contacts) <= MAX_BATCH:
        raise invalid()
    read, sources = _batch_read(body, "people/batchUpdateContacts")
    mask = read_mask(as_text(body.get("updateMask"), "update_mask"), "updateMask", UPDATABLE, "people/batchUpdateContacts")
    people = {name: read_person(value, f"contacts[{name}]") for name, value in contacts.items()}
    changes: dict[str, Change] = {}
    errors: dict[str, ApiError] = {}
    for name, sent in people.items():
        try:
            changes[name] = prepare_update(asked.shelf, name, sent, mask)
        except ApiError as error:
            errors[name] = error
    if errors:
        raise batch_failed("BatchUpdateContactsErrorDetails", errors)
    for change in changes.values():
        store(asked.shelf, change)
    if not read:
        return {}
    return {
        "updateResult": {
            name: _response(asked.show(change.state, change.source_id, read, sources), name) for name, change in changes.items()
        }
    }


def batch_delete(asked: Asked) -> JsonObject:
    """people.batchDeleteContacts; what an unknown name does to the rest is a switch."""
    body = only(read_json(asked.request.body), frozenset({"resourceNames"}), "")
    names = [as_text(name, "resource_names") for name in as_list(body.get("resourceNames"), "resource_names")]
    if not 0 < len(names) <= MAX_BATCH_DELETE:
        raise invalid()
    records = {}
    for name in names:
        try:
            record = find_contact(asked.shelf, name)
        except ApiError as error:
            if error.status != "NOT_FOUND" or asked.shelf.is_on("batch_delete_needs_all"):
                raise
        else:
            records[record.record_id] = record
    for record in records.values():
        trash(asked.shelf, record)
    return {}


def _batch_read(body: JsonObject, documented_at: str) -> tuple[frozenset[str], frozenset[str]]:
    """Read mask and sources of a batch; an empty mask means that nothing is read back."""
    sources = read_sources(as_text(source, "sources") for source in as_list(body.get("sources"), "sources"))
    text = as_text(body.get("readMask"), "read_mask")
    return (read_mask(text, "readMask", READABLE, documented_at) if text else frozenset()), sources


def _created(shown: JsonObject) -> JsonObject:
    name = shown["resourceName"]
    return _response(shown, name if isinstance(name, str) else "")


def _response(shown: JsonObject, requested: str) -> JsonObject:
    return {"httpStatusCode": 200, "person": shown, "requestedResourceName": requested, "status": {}}

"""Promise: the table of fields is Google's own, and nothing leaves the sandbox that the discovery document does not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import googleapiclient
import pytest

from sandbox.google_calls import CONTACT, FIELDS, Google, listing
from tandem.sandbox.google_routes import ROUTES
from tandem.sandbox.google_schema import ENUMS, GROUP_READ_PATHS, READ_PATHS, SOURCES, UPDATE_PATHS, Part
from tandem.sandbox.google_schema import FIELDS as TABLE

DOCUMENT = json.loads((Path(googleapiclient.__file__).parent / "discovery_cache/documents/people.v1.json").read_text())
SCHEMAS: dict[str, Any] = DOCUMENT["schemas"]
ANSWERS = {
    "people.connections.list": "ListConnectionsResponse",
    "people.get": "Person",
    "people.getBatchGet": "GetPeopleResponse",
    "people.createContact": "Person",
    "people.updateContact": "Person",
    "people.batchCreateContacts": "BatchCreateContactsResponse",
    "people.batchUpdateContacts": "BatchUpdateContactsResponse",
    "contactGroups.list": "ListContactGroupsResponse",
    "contactGroups.get": "ContactGroup",
    "contactGroups.batchGet": "BatchGetContactGroupsResponse",
    "contactGroups.create": "ContactGroup",
    "contactGroups.update": "ContactGroup",
    "contactGroups.members.modify": "ModifyContactGroupMembersResponse",
}


def methods(resources: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """All methods of the document by their full names."""
    found: dict[str, Any] = {}
    for name, resource in resources.items():
        found |= {f"{prefix}{name}.{key}": method for key, method in resource.get("methods", {}).items()}
        found |= methods(resource.get("resources", {}), f"{prefix}{name}.")
    return found


def check(value: Any, schema: dict[str, Any], path: str) -> None:
    """Hold a value against a schema of the document: names, kinds, enumerated values."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"]]
    match schema.get("type"):
        case "object" if "properties" in schema:
            assert isinstance(value, dict), path
            for key, part in value.items():
                assert key in schema["properties"], f"{path}.{key}"
                check(part, schema["properties"][key], f"{path}.{key}")
        case "object":
            for key, part in value.items():
                check(part, schema["additionalProperties"], f"{path}.{key}")
        case "array":
            assert isinstance(value, list), path
            for part in value:
                check(part, schema["items"], path)
        case "string":
            assert isinstance(value, str), path
            assert value in schema.get("enum", [value]), f"{path}: {value}"
        case "boolean":
            assert isinstance(value, bool), path
        case "integer":
            assert isinstance(value, int), path
        case _:
            assert schema.get("type") == "any", path


def test_the_table_of_fields() -> None:
    """Every part of every field in the table is in the document, with its kind; derived parts are output only; nothing is missing."""
    person = SCHEMAS["Person"]["properties"]
    for name, field in TABLE.items():
        assert person[name]["items"]["$ref"] == field.message
        properties = SCHEMAS[field.message]["properties"]
        assert set(properties) == set(field.parts) | field.derived | {"metadata"}, field.message
        assert {key for key, part in properties.items() if part.get("readOnly") and key != "metadata"} == field.derived
        for key, part in field.parts.items():
            kind = properties[key].get("$ref") or properties[key]["type"]
            expected = {Part.TEXT: "string", Part.ENUM: "string", Part.FLAG: "boolean", Part.NUMBER: "integer", Part.DATE: "Date"}[part]
            assert kind == expected, (name, key)
            assert ("enum" in properties[key]) == (part is Part.ENUM), (name, key)
            if part is Part.ENUM:
                assert set(properties[key]["enum"]) == ENUMS[field.message, key]


def test_the_table_of_masks() -> None:
    """The paths are those that the document lists in its descriptions."""
    method = methods(DOCUMENT["resources"])
    listed = method["people.get"]["parameters"]["personFields"]["description"]
    assert {word.strip(" *\n") for word in listed.partition("Valid values are:")[2].split("*")} - {""} == READ_PATHS
    listed = method["people.updateContact"]["parameters"]["updatePersonFields"]["description"]
    assert {word.strip(" *\n") for word in listed.partition("Valid values are:")[2].split("*")} - {""} == UPDATE_PATHS
    assert set(method["people.get"]["parameters"]["sources"]["enum"]) - {"READ_SOURCE_TYPE_UNSPECIFIED"} == SOURCES
    assert all(path in method["contactGroups.list"]["parameters"]["groupFields"]["description"] for path in GROUP_READ_PATHS)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.kind in methods(DOCUMENT["resources"])], ids=lambda route: route.kind)
def test_the_table_of_calls(route: Any) -> None:
    """Method, path, query parameters and scopes of each imitated call are those of the document."""
    method = methods(DOCUMENT["resources"])[route.kind]
    path = "/" + method["flatPath"].replace("{peopleId}", "c1").replace("{contactGroupsId}", "g1").replace("{otherContactsId}", "o1")
    assert method["httpMethod"] == route.method
    assert route.path.fullmatch(path)
    if route.answer is not None:
        assert route.parameters == {name for name, part in method["parameters"].items() if part["location"] == "query"}
        assert set(route.scopes) <= set(method["scopes"])


def test_every_call_is_named() -> None:
    """Each method of the document is known, imitated or not."""
    assert set(methods(DOCUMENT["resources"])) <= {route.kind for route in ROUTES}


def full_person() -> dict[str, Any]:
    """A contact with every part of every writable field filled."""
    person: dict[str, Any] = {}
    for name, field in TABLE.items():
        if field.writable:
            item: dict[str, Any] = {}
            for key, part in field.parts.items():
                match part:
                    case Part.TEXT:
                        item[key] = {"countryCode": "PL", "value": "+48 22 123 45 67"}.get(key, f"{name} {key}")
                    case Part.FLAG:
                        item[key] = True
                    case Part.NUMBER:
                        item[key] = 1000
                    case Part.DATE:
                        item[key] = {"year": 1990, "month": 2, "day": 3}
                    case Part.ENUM:
                        item[key] = sorted(ENUMS[field.message, key])[-1]
            person[name] = [item]
    return person


def test_answers_hold_nothing_unknown(google: Google) -> None:
    """Every answer of a tour through all calls fits its schema; a contact with everything in it comes back with everything."""
    seen: set[str] = set()

    def tour(method: str, path: str, query: dict[str, object] | None = None, body: object = None) -> Any:
        answer = google.call(method, path, query, body)
        kind = google.world.log[-1].kind
        seen.add(kind)
        if kind in ANSWERS:
            check(answer, SCHEMAS[ANSWERS[kind]], kind)
        return answer

    everything = ",".join(READ_PATHS)
    sent = full_person()
    del sent["names"][0]["unstructuredName"]
    person = tour("POST", "/v1/people:createContact", body=sent)
    for name, items in sent.items():
        assert {**person[name][0], **items[0]} == person[name][0], name
    name = person["resourceName"]
    google.world.google.human("link_profile", {"id": name, "fields": {"urls": [{"value": "u"}]}})
    tour("GET", f"/v1/{name}", {"personFields": everything})
    tour("GET", "/v1/people/me", {"personFields": everything})
    tour("GET", "/v1/people:batchGet", {"resourceNames": [name, "people/c1"], "personFields": everything})
    token = tour("GET", "/v1/people/me/connections", listing())["nextSyncToken"]
    google.world.google.human("rename_resource", {"id": name})
    person = tour("GET", "/v1/people/me/connections", listing(syncToken=token))["connections"][0]
    name = person["resourceName"]
    changed = tour("PATCH", f"/v1/{name}:updateContact", {"updatePersonFields": "urls"}, {"etag": person["etag"], "urls": []})
    body: dict[str, Any] = {"contacts": {name: {"etag": changed["etag"]}}, "updateMask": "urls", "readMask": FIELDS, "sources": [CONTACT]}
    tour("POST", "/v1/people:batchUpdateContacts", body=body)
    two = [{"contactPerson": {"names": [{"givenName": str(n)}]}} for n in range(2)]
    made = tour("POST", "/v1/people:batchCreateContacts", body={"contacts": two, "readMask": FIELDS, "sources": [CONTACT]})
    names = [one["person"]["resourceName"] for one in made["createdPeople"]]
    fields = {"groupFields": ",".join(GROUP_READ_PATHS), "maxMembers": 9}
    group = tour("POST", "/v1/contactGroups", body={"contactGroup": {"name": "G", "clientData": [{"key": "a", "value": "b"}]}})
    tour("POST", f"/v1/{group['resourceName']}/members:modify", body={"resourceNamesToAdd": [*names, "people/c1"]})
    tour("GET", f"/v1/{group['resourceName']}", fields)
    tour("GET", "/v1/contactGroups:batchGet", {**fields, "resourceNames": [group["resourceName"], "contactGroups/0"]})
    tour("PUT", f"/v1/{group['resourceName']}", body={"contactGroup": {"name": "H"}})
    token = tour("GET", "/v1/contactGroups")["nextSyncToken"]
    tour("DELETE", f"/v1/{group['resourceName']}")
    tour("GET", "/v1/contactGroups", {"syncToken": token})
    tour("DELETE", f"/v1/{name}:deleteContact")
    tour("POST", "/v1/people:batchDeleteContacts", body={"resourceNames": names})
    assert seen == {route.kind for route in ROUTES if route.answer is not None}

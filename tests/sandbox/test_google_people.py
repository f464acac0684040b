"""Promise: contacts come back, change and refuse as Google's do."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sandbox.google_calls import FIELDS, Google, value

LEE: dict[str, Any] = {
    "names": [{"honorificPrefix": "Dr ", "givenName": "Ann", "familyName": "Lee"}],
    "emailAddresses": [{"value": "ann@example.com", "type": "work"}, {"value": "lee@example.com"}],
    "phoneNumbers": [{"value": "+48 22 123 45 67", "type": "homeFax"}, {"value": "555-555-1234", "type": "Old"}],
}


def test_the_shape_of_a_contact(google: Google) -> None:
    """A created contact carries derived parts, item metadata, a source with an id that makes its name, and My Contacts."""
    person = google.create(**LEE)
    source = person["metadata"]["sources"][0]
    assert person["resourceName"] == f"people/c{int(source['id'], 16)}"
    assert person["names"][0]["displayName"] == "Dr Ann Lee"
    assert person["names"][0]["displayNameLastFirst"] == "Lee, Ann"
    assert person["names"][0]["honorificPrefix"] == "Dr "
    marks = {"source": {"type": "CONTACT", "id": source["id"]}}
    assert [item["metadata"] for item in person["emailAddresses"]] == [{"primary": True, "sourcePrimary": True, **marks}, marks]
    assert person["emailAddresses"][1] == {"metadata": marks, "value": "lee@example.com"}
    assert [(item.get("canonicalForm"), item["formattedType"]) for item in person["phoneNumbers"]] == [
        ("+48221234567", "Home Fax"),
        (None, "Old"),
    ]
    assert person["memberships"][0]["contactGroupMembership"]["contactGroupResourceName"] == "contactGroups/myContacts"
    assert person["photos"][0]["default"] is True
    assert "organizations" not in person


def test_only_masked_fields_are_read(google: Google) -> None:
    """A read returns the fields of its mask; without `metadata` no sources."""
    name = google.create(**LEE)["resourceName"]
    assert set(google.get(name, "names")) == {"resourceName", "etag", "names"}
    assert set(google.get(name, "urls,metadata")) == {"resourceName", "etag", "metadata"}


def test_masks_are_required_and_checked(google: Google) -> None:
    """Missing, unknown and misspelt masks are refused in the service's own words."""
    name = f"/v1/{google.create(**LEE)['resourceName']}"
    assert google.fails("GET", name)[2].startswith("personFields mask is required. Please specify one or more valid paths.")
    assert google.fails("GET", name, {"personFields": "names,x"})[2].startswith('Invalid personFields mask path: "x".')
    assert "Invalid FieldMask" in google.fails("GET", name, {"personFields": "names, urls"})[2]
    assert google.fails("PATCH", f"{name}:updateContact", {"updatePersonFields": "photos"}, {})[2].startswith("Invalid updatePersonFields")
    assert google.fails("GET", name, {"personFields": "names", "pageSize": "3"})[:2] == (400, "INVALID_ARGUMENT")


def test_unknown_parts_of_a_body_are_refused(google: Google) -> None:
    """An unknown name, a wrong kind of value and an object for a list are 400 and change nothing."""
    for body in ({"name": []}, {"names": [{"given": "A"}]}, {"names": [{"givenName": 1}]}, {"names": {"givenName": "A"}}):
        assert google.fails("POST", "/v1/people:createContact", body=body)[:2] == (400, "INVALID_ARGUMENT")
    assert google.fails("POST", "/v1/people:createContact", body=b"{")[:2] == (400, "INVALID_ARGUMENT")
    assert google.listed()[0] == []


def test_a_masked_field_is_replaced_whole(google: Google) -> None:
    """A list in the mask replaces the stored one, a missing one clears, a field outside the mask stays."""
    person = google.create(**LEE, clientData=[{"key": "a", "value": "1"}])
    changed = google.update(person, "emailAddresses,clientData", emailAddresses=[{"value": "new@example.com"}])
    assert [item["value"] for item in changed["emailAddresses"]] == ["new@example.com"]
    assert "clientData" not in changed
    assert [item["value"] for item in changed["phoneNumbers"]] == ["+48 22 123 45 67", "555-555-1234"]


def test_an_echo_changes_nothing(google: Google) -> None:
    """What was read can be sent back as it is: derived parts are ignored, profile data is not taken over."""
    person = google.create(**LEE, addresses=[{"streetAddress": "Main 1", "city": "Poznań", "country": "PL", "type": "home"}])
    assert person["addresses"][0]["formattedValue"] == "Main 1\nPoznań\nPL"
    sent = {name: person[name] for name in ("names", "emailAddresses", "phoneNumbers", "addresses")}
    sent["emailAddresses"] = [*sent["emailAddresses"], {"value": "p@example.com", "metadata": {"source": {"type": "PROFILE", "id": "1"}}}]
    again = google.update(person, ",".join(sent), **sent)
    assert {name: again[name] for name in sent} == {name: person[name] for name in sent}


def test_the_primary_item_can_be_chosen(google: Google) -> None:
    """`sourcePrimary` chooses; else the first item is primary."""
    person = google.create(names=LEE["names"], urls=[{"value": "a"}, {"value": "b", "metadata": {"sourcePrimary": True}}])
    assert [item["metadata"].get("primary", False) for item in person["urls"]] == [False, True]


def test_etags(google: Google) -> None:
    """Masks make different person etags of one version, either is good for an update, and an update needs a current one."""
    person = google.create(**LEE)
    name = person["resourceName"]
    narrow = google.get(name, "names")
    assert narrow["etag"] != person["etag"]
    changed = google.update(narrow, "names", names=[{"givenName": "Bea"}])
    assert changed["metadata"]["sources"][0]["etag"] != person["metadata"]["sources"][0]["etag"]
    path, query = f"/v1/{name}:updateContact", {"updatePersonFields": "names"}
    missing = google.fails("PATCH", path, query, {"names": []})
    assert missing[1:] == (
        "INVALID_ARGUMENT",
        "Request must set person.etag or person.metadata.sources.etag for the source that is being updated.",
    )
    stale = google.fails("PATCH", path, query, {"etag": person["etag"], "names": [{"givenName": "C"}]})
    assert stale[1] == "FAILED_PRECONDITION"
    assert stale[2].startswith("Request person.etag is different than the current person.etag.")
    source = changed["metadata"]["sources"][0]
    assert google.fails("PATCH", path, query, {"etag": source["etag"], "names": []})[1] == "FAILED_PRECONDITION"
    old_source = {"metadata": {"sources": [person["metadata"]["sources"][0]]}, "names": []}
    assert google.fails("PATCH", path, query, old_source)[2].startswith("Request person.metadata.sources.etag is different")
    assert google.call("PATCH", path, query, {"metadata": {"sources": [source]}, "names": [{"givenName": "D"}]})


def test_the_etag_holds_mask_and_source_etag(google: Google) -> None:
    """A person etag is a percent sign and a base64 message whose fourth field is the source etag without its hash sign."""
    person = google.create(**LEE)
    data = base64.b64decode(person["etag"].removeprefix("%"))
    assert data.endswith(person["metadata"]["sources"][0]["etag"].removeprefix("#").encode())
    assert data[0] == 0x12


@pytest.mark.parametrize(
    "fields",
    [
        {"names": [{"givenName": "A"}, {"givenName": "B"}]},
        {"birthdays": [{"date": {"month": 1, "day": 1}}, {"date": {"month": 2, "day": 1}}]},
        {"birthdays": [{"date": {"month": 13, "day": 1}}]},
        {"addresses": [{"countryCode": "ZZ"}]},
        {"nicknames": [{"value": "x" * 1025}]},
        {"urls": [{"value": f"https://example.com/{n}"} for n in range(501)]},
        {"biographies": [{"value": "x", "contentType": "text"}]},
        {"memberships": [{"contactGroupMembership": {"contactGroupResourceName": "contactGroups/friends"}}], "names": [{"givenName": "A"}]},
        {},
    ],
)
def test_what_a_contact_may_not_be(google: Google, fields: dict[str, object]) -> None:
    """Singletons, dates, country codes, limits, kinds of group, emptiness."""
    assert google.fails("POST", "/v1/people:createContact", body=fields)[:2] == (400, "INVALID_ARGUMENT")


def test_a_note_too_long_looks_like_a_quota(google: Google) -> None:
    """Notes may be long, but a contact of more than 128 KB is refused with 429."""
    assert google.create(biographies=[{"value": "a\r\nb" * 1000}])["biographies"][0]["value"].startswith("a\nba")
    refused = google.fails("POST", "/v1/people:createContact", body={"biographies": [{"value": "x" * 140_000}]})
    assert refused == (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")


def test_the_limit_of_contacts_counts_the_trash(google: Google) -> None:
    """A full account refuses, still after a deletion, and takes contacts again 30 days later."""
    google.world.google.switches["contact_limit"] = 2
    person = google.create()
    google.create()
    google.call("DELETE", f"/v1/{person['resourceName']}:deleteContact")
    assert "MY_CONTACTS_OVERFLOW_COUNT" in google.fails("POST", "/v1/people:createContact", body=LEE)[2]
    google.world.clock.advance(30 * 86400)
    google.sign_in().create()


def test_names_are_split_and_composed(google: Google) -> None:
    """A free name is split; one that contradicts the parts wins, which is why it should not be sent."""
    assert google.create(names=[{"unstructuredName": "Ann Maria Lee"}])["names"][0]["middleName"] == "Maria"
    mixed = google.create(names=[{"unstructuredName": "Ann Lee", "givenName": "Bea", "familyName": "Lee"}])["names"][0]
    assert (mixed["givenName"], mixed["displayName"]) == ("Ann", "Ann Lee")
    assert google.create(names=[{"givenName": "Ann"}])["names"][0]["displayNameLastFirst"] == "Ann"


def test_people_that_are_not_there(google: Google) -> None:
    """Deleted and unknown contacts are 404; the account itself is no contact."""
    person = google.create()
    google.call("DELETE", f"/v1/{person['resourceName']}:deleteContact")
    gone = (404, "NOT_FOUND", "Requested entity was not found.")
    assert google.fails("GET", f"/v1/{person['resourceName']}", {"personFields": "names"}) == gone
    body = {"etag": person["etag"], "names": []}
    assert google.fails("PATCH", f"/v1/{person['resourceName']}:updateContact", {"updatePersonFields": "names"}, body) == gone
    assert google.fails("DELETE", f"/v1/{person['resourceName']}:deleteContact") == gone
    mine = google.fails("PATCH", "/v1/people/me:updateContact", {"updatePersonFields": "names"}, body)
    assert mine[2] == 'Resource name "people/me" is not a valid contact person resource.'


def test_the_account_itself(google: Google) -> None:
    """people/me tells who the token belongs to, as far as the scopes reach."""
    me = google.call("GET", "/v1/people/me", {"personFields": "names,emailAddresses,metadata"})
    assert me["resourceName"].removeprefix("people/").isdecimal()
    assert me["emailAddresses"][0]["value"] == "sandbox.person@example.com"


def test_batch_get(google: Google) -> None:
    """An answer per name in order, missing ones with a status; 200 names at most; also as a POST that stands for a GET."""
    names = [google.create()["resourceName"] for _ in range(2)]
    asked = [names[1], "people/c1", names[0]]
    responses = google.call("GET", "/v1/people:batchGet", {"resourceNames": asked, "personFields": "names"})["responses"]
    assert [one["requestedResourceName"] for one in responses] == asked
    assert [one.get("person", {}).get("resourceName") for one in responses] == [names[1], None, names[0]]
    assert responses[1]["status"]["code"] == 5
    google.headers["x-http-method-override"] = "GET"
    body = f"resourceNames={names[0]}&resourceNames={names[1]}&personFields=names".encode()
    assert google.call("POST", "/v1/people:batchGet", body=body)["responses"][1]["person"]["resourceName"] == names[1]
    google.headers.clear()
    assert google.fails("GET", "/v1/people:batchGet", {"resourceNames": ["people/c1"] * 201, "personFields": "names"})[0] == 400


def test_batch_create(google: Google) -> None:
    """All or none; created people in order; without a read mask nothing is told."""
    people = [{"contactPerson": {"names": [{"givenName": f"G{n}"}]}} for n in range(3)]
    made = google.call("POST", "/v1/people:batchCreateContacts", body={"contacts": people, "readMask": "names,metadata"})["createdPeople"]
    assert [one["person"]["names"][0]["givenName"] for one in made] == ["G0", "G1", "G2"]
    assert {one["httpStatusCode"] for one in made} == {200}
    assert google.call("POST", "/v1/people:batchCreateContacts", body={"contacts": people}) == {}
    people[1] = {"contactPerson": {"names": [{"givenName": "A"}, {"givenName": "B"}]}}
    response = google.send("POST", "/v1/people:batchCreateContacts", body={"contacts": people, "readMask": "names"})
    detail = value(response)["error"]["details"][0]
    assert response.status == 400
    assert detail["@type"].endswith("BatchCreateContactsErrorDetails")
    assert list(detail["contactErrors"]) == ["1"]
    assert len(google.listed()[0]) == 6
    assert google.fails("POST", "/v1/people:batchCreateContacts", body={"contacts": people * 67, "readMask": "names"})[0] == 400


def test_batch_update(google: Google) -> None:
    """One mask for all, all or none; the details name the contacts at fault and how."""
    first, second = google.create(), google.create()
    body: dict[str, Any] = {"updateMask": "nicknames", "readMask": FIELDS + ",nicknames"}
    body["contacts"] = {one["resourceName"]: {"etag": one["etag"], "nicknames": [{"value": "N"}]} for one in (first, second)}
    result = google.call("POST", "/v1/people:batchUpdateContacts", body=body)["updateResult"]
    assert {name: one["person"]["nicknames"][0]["value"] for name, one in result.items()} == dict.fromkeys(body["contacts"], "N")
    body["contacts"] = {
        first["resourceName"]: {"etag": result[first["resourceName"]]["person"]["etag"]},
        second["resourceName"]: {"etag": second["etag"]},
        "people/c77": {"etag": second["etag"]},
    }
    response = google.send("POST", "/v1/people:batchUpdateContacts", body=body)
    errors = value(response)["error"]["details"][0]["contactErrors"]
    assert {name: error["code"] for name, error in errors.items()} == {second["resourceName"]: 9, "people/c77": 5}
    assert google.get(first["resourceName"], "nicknames")["nicknames"]
    assert "Cannot bind a list to map" in google.fails("POST", "/v1/people:batchUpdateContacts", body={**body, "contacts": []})[2]


def test_batch_delete(google: Google) -> None:
    """Up to 500 at once; an unknown one refuses all, unless the switch says otherwise."""
    names = [google.create()["resourceName"] for _ in range(2)]
    assert google.fails("POST", "/v1/people:batchDeleteContacts", body={"resourceNames": [*names, "people/c1"]})[0] == 404
    assert len(google.listed()[0]) == 2
    google.world.google.switches["batch_delete_needs_all"] = False
    assert google.call("POST", "/v1/people:batchDeleteContacts", body={"resourceNames": [*names, "people/c1"]}) == {}
    assert google.listed()[0] == []
    assert google.fails("POST", "/v1/people:batchDeleteContacts", body={"resourceNames": ["people/c1"] * 501})[0] == 400


def test_memberships_are_replaced_by_an_update(google: Google) -> None:
    """Sending memberships replaces all labels; sending none is refused."""
    person = google.create()
    group = google.call("POST", "/v1/contactGroups", body={"contactGroup": {"name": "Pipedrive"}})["resourceName"]
    path, query = f"/v1/{person['resourceName']}:updateContact", {"updatePersonFields": "memberships", "personFields": FIELDS}
    assert google.fails("PATCH", path, query, {"etag": person["etag"]})[:2] == (400, "INVALID_ARGUMENT")
    body = {"etag": person["etag"], "memberships": [{"contactGroupMembership": {"contactGroupResourceName": group}}]}
    changed = google.call("PATCH", path, query, body)
    assert [one["contactGroupMembership"]["contactGroupResourceName"] for one in changed["memberships"]] == [group]


def test_profile_data_comes_with_its_source_only(google: Google) -> None:
    """Another person's profile data is in the answer unless only the contact source is asked for."""
    name = google.create(**LEE)["resourceName"]
    google.world.google.human("link_profile", {"id": name, "fields": {"emailAddresses": [{"value": "own@example.com"}]}})
    both = google.call("GET", f"/v1/{name}", {"personFields": "emailAddresses,metadata"})
    assert [item["metadata"]["source"]["type"] for item in both["emailAddresses"]] == ["CONTACT", "CONTACT", "PROFILE"]
    assert [one["type"] for one in both["metadata"]["sources"]] == ["CONTACT", "PROFILE"]
    assert len(google.get(name)["emailAddresses"]) == 2


def test_what_is_not_imitated_says_so(google: Google) -> None:
    """Photos, search, other contacts and partial answers are 501, and stand in the log by name."""
    for method, path, kind in (
        ("PATCH", "/v1/people/c1:updateContactPhoto", "people.updateContactPhoto"),
        ("GET", "/v1/people:searchContacts", "people.searchContacts"),
        ("GET", "/v1/otherContacts", "otherContacts.list"),
        ("GET", "/v2/whatever", "unknown"),
    ):
        assert google.fails(method, path)[0] == 501
        assert google.world.log[-1].kind == kind
    assert google.fails("GET", "/v1/people/me", {"personFields": "names", "fields": "names"})[0] == 501

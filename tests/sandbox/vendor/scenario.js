// A tour of the sandbox with Pipedrive's own client: node scenario.js <address of the imitated Pipedrive> <API token>.
// Prints one JSON object: what the client made of the answers. Run by test_pipedrive_official_client.py.
"use strict";

const v1 = require("pipedrive/v1");
const v2 = require("pipedrive/v2");

const [, , base, token] = process.argv;
const newer = new v2.Configuration({ apiKey: token, basePath: `${base}/api/v2` });
const older = new v1.Configuration({ apiKey: token, basePath: `${base}/api/v1` });
const persons = new v2.PersonsApi(newer);
const organizations = new v2.OrganizationsApi(newer);

async function pages(list) {
  const found = [];
  let cursor;
  let count = 0;
  do {
    const page = await list(cursor);
    found.push(...page.data);
    cursor = page.additional_data && page.additional_data.next_cursor;
    count += 1;
  } while (cursor);
  return { found, count };
}

// The client throws the body of a refusal as it is.
async function refusal(call) {
  try {
    await call();
    return null;
  } catch (body) {
    return body instanceof Error ? { broken: String(body) } : body;
  }
}

async function main() {
  const told = {};
  const firm = (await organizations.addOrganization({ AddOrganizationRequest: { name: "Example Works" } })).data;
  const field = (await new v2.PersonFieldsApi(newer).addPersonField({ AddPersonFieldRequest: { field_name: "Hobby", field_type: "varchar" } })).data;
  const made = [];
  for (let n = 0; n < 7; n += 1) {
    const body = { name: `Anna Example${n}`, org_id: firm.id, emails: [{ value: `anna${n}@example.com`, primary: true, label: "work" }] };
    made.push((await persons.addPerson({ AddPersonRequest: body })).data);
  }
  const listing = await pages((cursor) => persons.getPersons({ limit: 3, cursor, sort_by: "id" }));
  told.pages = listing.count;
  told.listed = listing.found.map((one) => one.name);
  const patch = { first_name: "Hanna", phones: [{ value: "+48 600 100 001", primary: true, label: "mobile" }], custom_fields: { [field.field_code]: "chess" } };
  told.patched = (await persons.updatePerson({ id: made[0].id, UpdatePersonRequest: patch })).data;
  told.hobby = (await persons.getPerson({ id: made[0].id })).data.custom_fields[field.field_code];
  told.deleted = (await persons.deletePerson({ id: made[1].id })).data;
  told.one_after = (await persons.getPersons({ ids: `${made[0].id},${made[2].id}` })).data.map((one) => one.name);
  told.found = (await persons.searchPersons({ term: "anna3@example.com", fields: "email", exact_match: true })).data.items.map((one) => one.item.name);
  const fields = await pages((cursor) => new v2.PersonFieldsApi(newer).getPersonFields({ limit: 100, cursor }));
  told.fields = fields.found.map((one) => one.field_name);
  const firms = await pages((cursor) => organizations.getOrganizations({ limit: 1, cursor }));
  told.organizations = firms.found.map((one) => one.name);
  told.renamed = (await organizations.updateOrganization({ id: firm.id, UpdateOrganizationRequest: { name: "Example Mills" } })).data.name;
  told.me = (await new v1.UsersApi(older).getCurrentUser()).data.email;
  const webhooks = new v1.WebhooksApi(older);
  const subscription = { subscription_url: "https://tandem.example.com/hook", event_action: "*", event_object: "person", name: "Tour" };
  const webhook = (await webhooks.addWebhook({ AddWebhookRequest: subscription })).data;
  told.webhooks = (await webhooks.getWebhooks()).data.map((one) => one.subscription_url);
  await webhooks.deleteWebhook({ id: webhook.id });
  told.webhooks_left = (await webhooks.getWebhooks()).data.length;
  told.missing = await refusal(() => persons.getPerson({ id: 999999 }));
  told.nameless = await refusal(() => persons.addPerson({ AddPersonRequest: { emails: [] } }));
  const stranger = new v2.PersonsApi(new v2.Configuration({ apiKey: "wrong", basePath: `${base}/api/v2` }));
  told.stranger = await refusal(() => stranger.getPersons({}));
  process.stdout.write(JSON.stringify(told));
}

main().catch((error) => {
  process.stderr.write(error instanceof Error ? `${error.stack}\n` : `${JSON.stringify(error)}\n`);
  process.exitCode = 1;
});

// A whole session with the client that hey-api generates, each request and answer validated with
// zod; its arguments are the server's address and a token that Telegram knows.
import assert from "node:assert/strict";

import { client } from "./generated/client.gen";
import * as api from "./generated/sdk.gen";
import type { BotStateEvent } from "./generated/types.gen";
import type { components, paths } from "./openapi";
import { liveEvents } from "./events";

const [url = "", token = ""] = process.argv.slice(2);
const password = "correct horse battery";
let key = "";
client.setConfig({ baseUrl: url, auth: () => key });

// both generators read the same types out of the document
type Body = paths["/api/v1/telegram_data/"]["post"]["requestBody"]["content"]["application/json"];
const bot: Body = { token, title: "Süß", active: true };
const isRunning = (status: components["schemas"]["BotStatus"]): boolean => status.state === "running";

async function accounts(): Promise<void> {
  const made = await api.registration({ body: { username: "Анна", password }, throwOnError: true });
  key = made.data.key;
  const body = { username: "Анна", password };
  const entered = await api.login({ body, throwOnError: true });
  assert.match(entered.data.expires_at, /\.\d{3}Z$/);
  key = entered.data.key;
  await api.replaceUser({ body: { username: "Anna" }, throwOnError: true });
  const user = await api.getUser({ throwOnError: true });
  assert.equal(user.data.username, "Anna");
  const sessions = await api.listSessions({ throwOnError: true });
  assert.equal(sessions.data.length, 2);
  const log = await api.listAudit({ query: { page_size: 1 }, throwOnError: true });
  assert.ok(log.data.next);
}

async function bots(): Promise<void> {
  const made = await api.createTelegramData({ body: bot, throwOnError: true });
  assert.ok(isRunning(made.data.status));
  const path = { bot_id: made.data.id };
  for await (const { event, data } of liveEvents(url, key)) {
    if (event !== "state") continue;
    const state: BotStateEvent = data;
    assert.equal(state.state, "running");
    break;
  }
  const off = await api.updateTelegramData({ path, body: { active: false }, throwOnError: true });
  assert.equal(off.data.status.state, "stopped");
  const kept = await api.replaceTelegramData({ path, body: { token }, throwOnError: true });
  assert.deepEqual([kept.data.title, kept.data.active], ["Süß", false]);
  const on = await api.updateTelegramData({ path, body: { active: true }, throwOnError: true });
  assert.ok(isRunning(on.data.status));
  const listed = await api.listTelegramData({ throwOnError: true });
  assert.deepEqual(listed.data.map(({ id }) => id), [made.data.id]);
  await api.deleteTelegramData({ path, throwOnError: true });
  const gone = await api.getTelegramData({ path });
  assert.equal(gone.error?.code, "not_found");
}

async function main(): Promise<void> {
  await accounts();
  await bots();
  await api.logout({ throwOnError: true });
  const left = await api.getUser();
  assert.equal(left.error?.code, "invalid_key");
  console.log("done");
}

void main();

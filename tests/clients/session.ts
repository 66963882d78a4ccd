// A whole session with the client that hey-api generates, each request and answer validated with
// zod; its arguments are the server's address and a token that Telegram knows.
import assert from "node:assert/strict";

import { client } from "./generated/client.gen";
import * as api from "./generated/sdk.gen";
import type { BotStateEvent, MessageContent, MessageStateEvent } from "./generated/types.gen";
import type { components, paths } from "./openapi";
import { liveEvents } from "./events";

const [url = "", token = ""] = process.argv.slice(2);
const password = "correct horse battery";
let key = "";
client.setConfig({ baseUrl: url, auth: () => key });

// both generators read the same types out of the document
type Body = paths["/api/v1/telegram_data/"]["post"]["requestBody"]["content"]["application/json"];
const bot: Body = { token, title: "Süß", active: true, history: true };
const isRunning = (status: components["schemas"]["BotStatus"]): boolean => status.state === "running";
type Message = components["schemas"]["Message"];
const isSent = (message: Message): boolean => message.state === "sent";
const buttons: MessageContent["buttons"] = [[{ text: "Site", url: "https://example.com/" }]];
const hello: MessageContent = { text: "**Hello** from a page", format: "markdown", buttons };
const bye: MessageContent = { text: "Bye from a page", buttons };
// a user has written to the bot in this chat before it was added here
const chat_id = "1001";

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
  await messages(path.bot_id);
  const listed = await api.listTelegramData({ throwOnError: true });
  assert.deepEqual(listed.data.map(({ id }) => id), [made.data.id]);
  await api.deleteTelegramData({ path, throwOnError: true });
  const gone = await api.getTelegramData({ path });
  assert.equal(gone.error?.code, "not_found");
}

async function messages(bot_id: number): Promise<void> {
  const chat = { bot_id, chat_id };
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const write = async (body: MessageContent, options: { headers?: typeof headers } = {}) => {
    const made = { path: chat, body, ...options, throwOnError: true } as const;
    return (await api.createTelegramDataChatsMessages(made)).data.items;
  };
  const path = { bot_id, message_id: 0 };
  for await (const { event, data } of liveEvents(url, key)) {
    // not found until the bot has read what the user wrote to it
    path.message_id ||= await until(async () => {
      const made = await api.createTelegramDataChatsMessages({ path: chat, headers, body: hello });
      assert.ok(made.data || made.error.code === "not_found");
      return made.data?.items[0].id;
    });
    if (event !== "message_state") continue;
    const { message }: MessageStateEvent = data;
    if (message.id === path.message_id && message.state === "sent") break;
    assert.notEqual(message.state, "failed");
  }
  const shown = await api.getTelegramDataMessage({ path, throwOnError: true });
  assert.ok(isSent(shown.data));
  assert.equal(shown.data.text, "Hello from a page");
  assert.deepEqual(await write(hello, { headers }), [shown.data], "it is not written again");
  const edited = await api.updateTelegramDataMessage({ path, body: bye, throwOnError: true });
  assert.deepEqual(edited.data.items.map(({ text }) => text), ["Bye from a page"]);
  const files: MessageContent["media"] = [
    { type: "photo", file_id: "a" },
    { type: "photo", file_id: "b" },
  ];
  const album = await write({ media: files });
  assert.deepEqual(album.map(({ method }) => method), ["sendMediaGroup", null]);
  const [point] = await write({ location: { latitude: 52.52, longitude: 13.405 } });
  const place = { bot_id, message_id: point.id };
  await until(async () => {
    const { data } = await api.getTelegramDataMessage({ path: place, throwOnError: true });
    return isSent(data) || undefined;
  });
  await api.deleteTelegramDataMessage({ path: place, throwOnError: true });
  const gone = await api.getTelegramDataMessage({ path: place });
  assert.equal(gone.error?.code, "not_found");
  const wrong = await api.createTelegramDataChatsMessages({ path: chat, body: {} });
  assert.equal(wrong.error?.code, "validation_failed");
}

/** Try again until there is a result, for a minute. */
async function until<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const result = await attempt();
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it took too long");
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

// The page: asks the sandbox for what one person sees, draws what changed, sends what they do.

import { blocks } from "/blocks.js";
import { changeFault, drawFaults, lookAtFleet } from "/behind.js";
import { confirmed, drawModal, listenToModal } from "/dialogs.js";
import { element, mrkdwn } from "/mrkdwn.js";

const at = (id) => document.getElementById(id);
const HOME = "home";
const ADMIN = "U0ADMIN1";
const asked = new URLSearchParams(location.search).get("person"); // ?person=second-admin opens the page as that person
let chosen = { person: asked || ADMIN, channel: "C0OPS", thread: null };
let names = { people: {}, channels: {} };
let asking = false;
let askAgain = false;

export async function send(path, body) {
  try {
    const answer = await fetch(path, { method: "POST", body: JSON.stringify(body) });
    return await answer.json();
  } catch {
    return { error: "the sandbox does not answer" };
  }
}

async function refresh() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  const who = chosen.person;
  try {
    const answer = await fetch(`/sandbox/state?person=${encodeURIComponent(who)}`);
    const state = await answer.json();
    if (answer.status === 404) {
      tell(state, "The address names nobody here");
      choose({ person: ADMIN });
    } else if (who === chosen.person) draw(state); // else somebody else was chosen meanwhile, and is asked for next
  } catch {
    at("link").textContent = "the sandbox does not answer";
  }
  asking = false;
  if (askAgain) {
    askAgain = false;
    refresh();
  }
}

function draw(state) {
  chosen.person = state.person; // the address may have named the role
  names = {
    people: Object.fromEntries(state.people.map((person) => [person.id, person.name])),
    channels: Object.fromEntries(state.channels.map((channel) => [channel.id, channel.name])),
  };
  const way = state.over_http ? "the bot is reached over HTTP" : `${state.sockets} socket(s) from the bot`;
  at("link").textContent = state.sockets || state.over_http ? way : "no bot is connected";
  drawPeople(state);
  drawChannels(state);
  drawMessages(state);
  drawHome(state.home);
  drawModal(state.modals.at(-1), names, act);
  drawFaults(at("slack-faults"), state.faults, (fault) => changeFault("/sandbox/faults", fault).then(refresh));
}

function drawPeople(state) {
  const select = at("person");
  if (select.options.length !== state.people.length) {
    select.replaceChildren(...state.people.map((person) => new Option(person.name, person.id)));
  }
  select.value = chosen.person;
  const me = state.people.find((person) => person.id === chosen.person);
  document.title = `${me.name} · Fleet sandbox`;
  at("deactivate").textContent = me.deleted ? "Reactivate this person" : "Deactivate this person";
  at("deactivate").dataset.deleted = String(!me.deleted);
}

function drawChannels(state) {
  const rows = state.channels.filter((channel) => channel.seen).map((channel) => {
    const shared = (channel.is_ext_shared ? " (shared)" : "") + (channel.is_read_only ? " (read-only)" : "");
    const label = channel.is_im ? "fleet-bot (direct message)" : `#${channel.name}${shared}`;
    return [channel.id, channel.is_archived ? `${label} (archived)` : label];
  });
  rows.push([HOME, "App home"]);
  if (!rows.some(([id]) => id === chosen.channel)) chosen.channel = rows[0][0];
  const drawn = JSON.stringify([rows, chosen.channel]);
  if (at("channels").dataset.drawn === drawn) return;
  at("channels").dataset.drawn = drawn;
  at("channels").replaceChildren(...rows.map(([id, label]) => {
    const [item, button] = [element("li"), element("button", label)];
    button.type = "button";
    if (id === chosen.channel) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose({ channel: id, thread: null }));
    item.append(button);
    return item;
  }));
  at("where").textContent = rows.find(([id]) => id === chosen.channel)[1];
}

function drawMessages(state) {
  const place = at("messages");
  place.hidden = at("composer").hidden = chosen.channel === HOME;
  at("home").hidden = chosen.channel !== HOME;
  const here = state.messages.filter((message) => message.channel === chosen.channel);
  const known = new Map([...place.children].map((node) => [node.dataset.ts, node]));
  const opened = place.dataset.channel !== chosen.channel;
  place.dataset.channel = chosen.channel;
  const stayedDown = opened || place.scrollHeight - place.scrollTop - place.clientHeight < 80;
  const wanted = here.filter((m) => !m.thread_ts || m.thread_ts === m.ts || m.only_for).map((message) => {
    const replies = here.filter((m) => m.thread_ts === message.ts && m.ts !== message.ts && !m.only_for);
    const drawn = JSON.stringify([message, replies, names]);
    const old = known.get(message.ts);
    if (old?.dataset.drawn === drawn) return old;
    const node = drawMessage(message);
    node.dataset.ts = message.ts;
    node.dataset.drawn = drawn;
    if (!message.only_for) node.append(drawReplies(message, replies));
    return node;
  });
  const same = wanted.length === place.children.length && wanted.every((node, i) => node === place.children[i]);
  if (same) return;
  place.replaceChildren(...wanted);
  if (stayedDown) place.scrollTop = place.scrollHeight;
}

function drawMessage(message) {
  const node = element("article", "", message.only_for ? "only" : "");
  const head = element("header");
  const sent = new Date(Number(message.ts) * 1000);
  const time = element("time", sent.toLocaleTimeString());
  time.dateTime = sent.toISOString();
  head.append(element("b", message.user === "USLACKBOT" ? "Slackbot" : (names.people[message.user] ?? message.user)), time);
  if (message.only_for) head.append(element("span", "Only visible to you", "edited"));
  if (message.edited) {
    const edited = element("span", `(edited ${message.history.length - 1}×)`, "edited");
    edited.title = message.history.map((shown) => `${shown.at}  ${shown.text}`).join("\n");
    head.append(edited);
  }
  node.append(head);
  if (message.blocks) node.append(blocks(message.blocks, names, (part, choice) => act(part, choice, message)));
  else {
    const words = element("div");
    words.append(mrkdwn(message.text, names));
    node.append(words);
  }
  for (const file of message.files ?? []) node.append(drawFile(file));
  return node;
}

function drawFile(file) {
  const made = element("figure");
  const named = file.title === file.name ? file.name : `${file.title} (${file.name})`;
  made.append(element("figcaption", `📎 ${named}, ${file.size} bytes`, "quiet"));
  if (file.name.endsWith(".png")) {
    const picture = element("img");
    picture.src = `/sandbox/files/${encodeURIComponent(file.id)}`;
    picture.alt = file.alt_txt ?? file.title;
    made.append(picture);
  }
  return made;
}

function drawReplies(message, replies) {
  const place = element("div", "", replies.length ? "replies" : "");
  place.append(...replies.map(drawMessage));
  const reply = element("button", replies.length ? "Reply in the thread" : "Reply", "reply");
  reply.type = "button";
  reply.addEventListener("click", () => {
    choose({ thread: message.ts });
    at("line").focus();
  });
  place.append(reply);
  return place;
}

function drawHome(home) {
  const drawn = JSON.stringify([home, names]);
  if (at("home").dataset.drawn === drawn) return;
  at("home").dataset.drawn = drawn;
  at("home").replaceChildren(
    home
      ? blocks(home.blocks, names, (part, choice) => act(part, choice, null, home))
      : element("p", "The bot has published nothing here yet.", "quiet"),
  );
}

async function act(part, choice, message, view) {
  if (part.url) window.open(part.url, "_blank", "noopener");
  if (part.confirm && !(await confirmed(part.confirm, names))) return;
  const what = { person: chosen.person, block: part.block_id, action: part.action_id, choose: choice };
  const where = message ? { channel: message.channel, ts: message.ts } : { view_id: view.id };
  tell(await send("/sandbox/click", { ...what, ...where }), "The press reached nobody");
  refresh();
}

function tell(answer, words) {
  at("outcome").textContent = answer.error ? `${words}: ${answer.error}` : "";
}

function choose(change) {
  chosen = { ...chosen, ...change };
  at("thread").hidden = !chosen.thread;
  at("thread-words").textContent = chosen.thread ? "Replying in a thread. Slash commands do not work here." : "";
  if (chosen.channel === HOME) send("/sandbox/home", { person: chosen.person });
  refresh();
}

at("person").addEventListener("change", (event) => {
  const person = event.target.value;
  history.replaceState(null, "", `?person=${encodeURIComponent(names.people[person])}`); // a reload stays this person
  choose({ person, thread: null });
});
at("thread-leave").addEventListener("click", () => choose({ thread: null }));
at("deactivate").addEventListener("click", async (event) => {
  await send("/sandbox/person", { person: chosen.person, deleted: event.target.dataset.deleted === "true" });
  refresh();
});
at("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = at("line").value.trim();
  if (!text) return;
  at("line").value = "";
  at("outcome").textContent = "";
  const answer = await send("/sandbox/type", {
    person: chosen.person, channel: chosen.channel, text, thread_ts: chosen.thread,
  });
  tell(answer, "That did not reach the bot");
  refresh();
});
for (const button of document.querySelectorAll("[data-clear]")) {
  button.addEventListener("click", () => fetch(button.dataset.clear, { method: "DELETE" }).then(refresh));
}
listenToModal(() => chosen.person, refresh);
lookAtFleet();
refresh();
const changes = new EventSource("/sandbox/events");
changes.addEventListener("message", refresh);
changes.addEventListener("error", () => { at("link").textContent = "the sandbox does not answer"; });

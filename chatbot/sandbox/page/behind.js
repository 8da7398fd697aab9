// Behind the scenes: fault switches of Slack and of the fleet, and what the fleet really does.

import { element } from "/mrkdwn.js";
import { send } from "/page.js";

const at = (id) => document.getElementById(id);
const FLEET = "/sandbox/fleet";
const LOOK_EVERY_MS = 1000;
const OPTIONS = { crash_loop: { seconds: 12 } }; // longer than from one look of the bot at the fleet to the next
const LEVERS = { // name -> path and body, about the chosen bot
  warning: (bot) => ["alerts", { bot, type: "warning", message: `Slippage of ${bot} above its limit` }],
  critical: (bot) => ["alerts", { bot, type: "critical", message: `Positions of ${bot} differ from the exchange's` }],
  flood: () => ["alerts", { count: 20, type: "high" }],
  crash: (bot) => ["crash", { bot }],
  restart: () => ["restart", {}],
};

export function drawFaults(place, faults, press) {
  const drawn = JSON.stringify(faults);
  if (place.dataset.drawn === drawn) return;
  const pressed = document.activeElement?.dataset.fault;
  place.dataset.drawn = drawn;
  place.replaceChildren(...faults.map((fault) => {
    const [item, button] = [element("li"), element("button", fault.name)];
    button.type = "button";
    button.dataset.fault = fault.name;
    if (!fault.at_once) button.setAttribute("aria-pressed", String(Boolean(fault.on)));
    button.addEventListener("click", () => press(fault));
    item.append(button, element("span", fault.does));
    return item;
  }));
  if (pressed) place.querySelector(`[data-fault="${CSS.escape(pressed)}"]`)?.focus();
}

export function changeFault(path, fault, options = {}) {
  if (fault.on) return fetch(`${path}/${encodeURIComponent(fault.name)}`, { method: "DELETE" });
  return send(path, { name: fault.name, ...options });
}

async function look() {
  const paths = [`${FLEET}/state`, `${FLEET}/faults`];
  const [state, faults] = await Promise.all(
    paths.map((path) => fetch(path).then((answer) => (answer.ok ? answer.json() : null))),
  );
  at("truth-box").hidden = at("levers-box").hidden = !state;
  at("fleet-box").hidden = !faults;
  if (state) drawTruth(state);
  if (faults) {
    const rows = faults.faults.map((fault) => ({ ...fault, does: fault.description }));
    drawFaults(at("fleet-faults"), rows, (fault) => {
      const about = "bot" in fault.options ? { bot: at("bot").value } : {};
      return changeFault(`${FLEET}/faults`, fault, { ...OPTIONS[fault.name], ...about }).then(look);
    });
  }
  return Boolean(state || faults);
}

function drawTruth(state) {
  const names = Object.keys(state.bots);
  if (at("bot").options.length !== names.length) at("bot").replaceChildren(...names.map((name) => new Option(name)));
  const drawn = JSON.stringify([state.kill_switch, state.bots, state.alerts, state.calls.length]);
  if (at("truth").dataset.drawn === drawn) return;
  at("truth").dataset.drawn = drawn;
  const killed = state.kill_switch.active;
  const words = killed ? `Kill switch ACTIVE: ${state.kill_switch.reason || "no reason given"}` : "Kill switch not active";
  const table = element("table");
  table.append(row("th", ["Bot", "Says", "Really"]));
  for (const name of names) {
    const { status, trading, safe_mode: safe } = state.bots[name];
    table.append(row("td", [name, status, (trading ? "TRADING" : "still") + (safe ? ", safe mode" : "")]));
    table.lastChild.lastChild.className = trading && killed ? "loud" : "";
  }
  const writes = state.calls.filter((call) => call.method === "POST").slice(-4);
  const calls = element("ul", "", "quiet");
  calls.append(...writes.map((call) => element("li", `${call.method} ${call.path}`)));
  const alerts = element("p", `Alerts at the monitor: ${state.alerts}`);
  at("truth").replaceChildren(element("p", words, killed ? "loud" : ""), table, alerts, calls);
}

function row(tag, cells) {
  const made = element("tr");
  made.append(...cells.map((words) => element(tag, String(words))));
  return made;
}

export async function lookAtFleet() {
  for (const button of document.querySelectorAll("[data-lever]")) {
    button.addEventListener("click", () => {
      const [path, body] = LEVERS[button.dataset.lever](at("bot").value);
      send(`${FLEET}/${path}`, body).then(look);
    });
  }
  if (!(await look().catch(() => false))) return; // a sandbox of Slack alone
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, LOOK_EVERY_MS); });
    await look().catch(() => false);
  }
}

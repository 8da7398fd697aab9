// Behind the scenes: fault switches of Slack and of the fleet, and what the fleet really does.

import { element } from "/mrkdwn.js";
import { send } from "/page.js";

const at = (id) => document.getElementById(id);
const OF_ONE_BOT = new Set(["ignores_stop", "behind_back", "slow_bot"]);

export function drawFaults(place, faults, press) {
  const drawn = JSON.stringify(faults);
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  place.replaceChildren(...faults.map((fault) => {
    const [item, button] = [element("li"), element("button", fault.name)];
    button.type = "button";
    if (!fault.at_once) button.setAttribute("aria-pressed", String(fault.on));
    button.addEventListener("click", () => press(fault));
    item.append(button, element("span", fault.does));
    return item;
  }));
}

export function changeFault(path, fault, options = {}) {
  if (fault.on) return fetch(`${path}/${encodeURIComponent(fault.name)}`, { method: "DELETE" });
  return send(path, { name: fault.name, ...options });
}

function asRows(faults) {
  const rows = Array.isArray(faults) ? faults : Object.entries(faults).map(([name, fault]) => ({ name, ...fault }));
  return rows.map((row) => ({ ...row, does: row.does ?? row.description ?? "", on: Boolean(row.on ?? row.active) }));
}

async function look() {
  const [state, faults] = await Promise.all(
    ["/sandbox/fleet/state", "/sandbox/fleet/faults"].map((path) => fetch(path).then((answer) => answer.ok ? answer.json() : null)),
  );
  at("truth-box").hidden = !state;
  at("fleet-box").hidden = !faults;
  if (state) drawTruth(state);
  if (faults) {
    drawFaults(at("fleet-faults"), asRows(faults.faults ?? faults), (fault) => {
      const bot = OF_ONE_BOT.has(fault.name) ? { bot: at("bot").value } : {};
      return changeFault("/sandbox/fleet/faults", fault, bot).then(look);
    });
  }
  return Boolean(state || faults);
}

function drawTruth(state) {
  const bots = Object.keys(state.bots ?? {});
  if (at("bot").options.length !== bots.length) at("bot").replaceChildren(...bots.map((bot) => new Option(bot, bot)));
  const shown = { ...state };
  delete shown.calls;
  const words = JSON.stringify(shown, null, 1).replaceAll(/["{}[\],]/g, "").replaceAll(/\n\s*\n/g, "\n");
  const place = at("truth");
  if (place.dataset.drawn === words) return;
  place.dataset.drawn = words;
  place.replaceChildren(element("pre", words.trim()));
}

export async function lookAtFleet() {
  const there = await look().catch(() => false);
  setTimeout(lookAtFleet, there ? 1000 : 10000);
}

// Confirm dialogs and modals, as native dialogs.

import { blocks } from "/blocks.js";
import { textObject } from "/mrkdwn.js";
import { send } from "/page.js";

const at = (id) => document.getElementById(id);
let open = null;

export function confirmed(confirm, names) {
  at("confirm-title").textContent = confirm.title.text;
  at("confirm-text").replaceChildren(textObject(confirm.text, names));
  at("confirm-no").textContent = confirm.deny.text;
  at("confirm-yes").textContent = confirm.confirm.text;
  at("confirm-yes").className = confirm.style ?? "primary";
  const dialog = at("confirm");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

export function drawModal(view, names, act) {
  const dialog = at("modal");
  if (!view) {
    open = null;
    if (dialog.open) dialog.close();
    return;
  }
  if (open?.hash !== view.hash) {
    at("modal-title").textContent = view.title.text;
    at("modal-blocks").replaceChildren(blocks(view.blocks, names, (part, choice) => act(part, choice, null, view)));
    at("modal-close").textContent = view.close?.text ?? "Cancel";
    at("modal-submit").textContent = view.submit?.text ?? "";
    at("modal-submit").className = "primary";
    at("modal-submit").hidden = !view.submit;
    at("modal-outcome").textContent = "";
  }
  open = view;
  for (const wrong of at("modal-blocks").querySelectorAll(".wrong")) {
    wrong.textContent = view.errors[wrong.id.slice("wrong-".length)] ?? "";
  }
  if (!dialog.open) dialog.showModal();
}

function filledIn() {
  const fields = at("modal-blocks").querySelectorAll("[data-block]");
  const value = (field) => (field.multiple ? [...field.selectedOptions].map((o) => o.value) : field.value);
  return Object.fromEntries([...fields].map((field) => [field.dataset.block, value(field)]));
}

export function listenToModal(person, refresh) {
  at("modal-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { person: person(), view_id: open.id, values: filledIn() };
    const answer = await send("/sandbox/submit", body);
    at("modal-outcome").textContent = answer.error ? `Not sent: ${answer.error}` : "";
    refresh();
  });
  const close = async (event) => {
    event.preventDefault();
    if (open) await send("/sandbox/close", { person: person(), view_id: open.id });
    refresh();
  };
  at("modal-close").addEventListener("click", close);
  at("modal").addEventListener("cancel", close);
}

// Block Kit as DOM nodes. `act(element, choice)` is called when a person presses or chooses.

import { anchor, dated, element, mrkdwn, textObject } from "/mrkdwn.js";

export function blocks(list, names, act) {
  const made = document.createDocumentFragment();
  for (const block of list) {
    const draw = DRAW[block.type] ?? unknown;
    const node = draw(block, names, act);
    node.classList.add("block");
    made.append(node);
  }
  return made;
}

const box = (name) => element("div", "", name);

function unknown(block) {
  return element("p", `(a ${block.type} block, which this page does not draw)`, "quiet");
}

const DRAW = {
  header(block, names) {
    const made = element("h3", "", "title");
    made.append(textObject(block.text, names));
    return made;
  },
  divider: () => element("hr"),
  markdown: (block) => element("div", block.text),
  section(block, names, act) {
    const made = box("section");
    if (block.text) {
      const words = element("div");
      words.append(textObject(block.text, names));
      made.append(words);
    }
    if (block.accessory) made.append(interactive(block.accessory, block, names, act));
    if (block.fields) {
      const fields = box("fields");
      for (const field of block.fields) {
        const cell = element("div");
        cell.append(textObject(field, names));
        fields.append(cell);
      }
      made.append(fields);
    }
    return made;
  },
  context(block, names) {
    const made = box("context");
    for (const part of block.elements) {
      const words = element("span");
      words.append(part.type === "image" ? `[${part.alt_text}]` : textObject(part, names));
      made.append(words);
    }
    return made;
  },
  actions(block, names, act) {
    const made = box("actions");
    for (const part of block.elements) made.append(interactive(part, block, names, act));
    return made;
  },
  image: (block) => element("p", `[image: ${block.alt_text}]`),
  alert(block, names) {
    const made = box("");
    made.setAttribute("role", "note");
    made.append(textObject(block.text, names));
    return made;
  },
  rich_text(block, names) {
    const made = box("");
    for (const part of block.elements) made.append(rich(part, names));
    return made;
  },
  table(block, names) {
    const rows = block.rows.map((cells) => {
      const row = element("tr");
      for (const cell of cells) {
        const made = element("td");
        made.append(cell.type === "rich_text" ? DRAW.rich_text(cell, names) : String(cell.text ?? cell.value));
        row.append(made);
      }
      return row;
    });
    const [made, table] = [box("scroll"), element("table")];
    table.append(...rows);
    made.append(table);
    return made;
  },
  data_table: (block, names) => DRAW.table(block, names),
  container(block, names, act) {
    const made = element("details");
    made.open = !block.default_collapsed;
    const inside = block.child_blocks.map((child) => ({ ...child, block_id: block.block_id })); // as presses name them
    made.append(element("summary", block.title?.text ?? ""), blocks(inside, names, act));
    return made;
  },
  input(block, names) {
    const made = box("input");
    const label = element("label", block.label.text + (block.optional ? " (optional)" : ""));
    const field = inputField(block.element, names);
    field.id = label.htmlFor = `input-${block.block_id}`;
    field.dataset.block = block.block_id;
    field.required = !block.optional;
    made.append(label, field);
    if (block.hint) made.append(element("p", block.hint.text, "quiet"));
    const wrong = element("p", "", "wrong");
    wrong.id = `wrong-${block.block_id}`;
    field.setAttribute("aria-describedby", wrong.id);
    made.append(wrong);
    return made;
  },
};

function interactive(plain, block, names, act) {
  const part = { ...plain, block_id: block.block_id }; // several blocks may use one action_id
  if (part.type === "button") {
    const made = element("button", "", part.style ?? "");
    made.type = "button";
    made.append(textObject(part.text, names));
    if (part.accessibility_label) made.setAttribute("aria-label", part.accessibility_label);
    made.addEventListener("click", () => act(part));
    return made;
  }
  if (part.options || part.option_groups) {
    const made = select(part, part.placeholder?.text ?? "Choose …");
    made.setAttribute("aria-label", part.placeholder?.text ?? "Choose");
    made.addEventListener("change", () => made.value && act(part, made.value));
    return made;
  }
  return element("span", part.type === "image" ? `[${part.alt_text}]` : `(${part.type})`, "quiet");
}

function select(part, empty) {
  const made = element("select");
  made.append(new Option(empty, ""));
  for (const group of part.option_groups ?? [{ options: part.options }]) {
    for (const option of group.options) made.append(new Option(option.text.text, option.value));
  }
  made.value = part.initial_option?.value ?? "";
  return made;
}

function people(part, names) {
  const made = element("select");
  made.multiple = part.type === "multi_users_select";
  if (!made.multiple) made.append(new Option(part.placeholder?.text ?? "Choose …", ""));
  for (const [id, name] of Object.entries(names.people)) {
    made.append(new Option(name, id, false, (part.initial_users ?? [part.initial_user]).includes(id)));
  }
  return made;
}

function inputField(part, names) {
  if (part.type === "users_select" || part.type === "multi_users_select") return people(part, names);
  if (part.type === "checkboxes" || part.type === "multi_static_select") {
    const made = select(part, "");
    made.options[0].remove();
    made.multiple = true;
    return made;
  }
  if (part.options || part.option_groups) return select(part, part.placeholder?.text ?? "Choose …");
  const made = element(part.multiline ? "textarea" : "input");
  made.value = part.initial_value ?? part.initial_date ?? part.initial_time ?? "";
  if (part.placeholder) made.placeholder = part.placeholder.text;
  if (part.max_length) made.maxLength = part.max_length;
  if (part.type === "datepicker") made.type = "date";
  if (part.type === "timepicker") made.type = "time";
  if (part.type === "number_input") made.inputMode = "decimal";
  return made;
}

function rich(part, names) {
  const tag = { rich_text_preformatted: "pre", rich_text_quote: "blockquote" }[part.type];
  if (part.type === "rich_text_list") {
    const list = element(part.style === "ordered" ? "ol" : "ul");
    for (const item of part.elements) {
      const made = element("li");
      made.append(rich(item, names));
      list.append(made);
    }
    return list;
  }
  const made = element(tag ?? "div");
  for (const piece of part.elements) made.append(richPiece(piece, names));
  return made;
}

function richPiece(piece, names) {
  let made = {
    text: () => element("span", piece.text),
    link: () => anchor(piece.url, piece.text ?? piece.url),
    emoji: () => mrkdwn(`:${piece.name}:`, names),
    user: () => mrkdwn(`<@${piece.user_id}>`, names),
    channel: () => mrkdwn(`<#${piece.channel_id}>`, names),
    usergroup: () => mrkdwn(`<!subteam^${piece.usergroup_id}>`, names),
    broadcast: () => mrkdwn(`<!${piece.range}>`, names),
    date: () => dated(piece.timestamp, piece.format, piece.fallback ?? ""),
  }[piece.type]?.() ?? element("span", `(${piece.type})`);
  for (const [style, tag] of [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["code", "code"]]) {
    if (piece.style?.[style]) {
      const outer = element(tag);
      outer.append(made);
      made = outer;
    }
  }
  return made;
}

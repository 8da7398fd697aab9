// Slack's mrkdwn as DOM nodes. Text reaches the page only as text nodes, never as markup.

const EMOJI = {
  rotating_light: "🚨", white_check_mark: "✅", warning: "⚠️", octagonal_sign: "🛑", x: "❌", red_circle: "🔴",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", white_circle: "⚪",
  hourglass_flowing_sand: "⏳", information_source: "ℹ️", question: "❓", eyes: "👀", bell: "🔔", lock: "🔒",
};
const TOKENS = new RegExp(
  [
    "```([\\s\\S]+?)```",
    "`([^`\\n]+)`",
    "<([^>\\n]+)>",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]*\\S)\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)([^_\\n]*\\S)_(?![\\w_])",
    "(?<![\\w~])~(?=\\S)([^~\\n]*\\S)~(?![\\w~])",
    ":([a-z0-9_+-]+):",
    "\\n",
  ].join("|"),
  "g",
);

export function element(tag, words = "", name = "") {
  const made = document.createElement(tag);
  if (words) made.textContent = words;
  if (name) made.className = name;
  return made;
}

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function anchor(url, words) {
  if (!/^(https?|mailto):/.test(url)) return element("span", words);
  const made = element("a", words);
  Object.assign(made, { href: url, target: "_blank", rel: "noopener noreferrer" });
  return made;
}

export function dated(epoch, format, fallback) {
  const at = new Date(Number(epoch) * 1000);
  if (Number.isNaN(at.getTime())) return element("span", fallback);
  const day = at.toLocaleDateString(undefined, { dateStyle: "medium" });
  const words = format
    .replaceAll("{time_secs}", at.toLocaleTimeString())
    .replaceAll("{time}", at.toLocaleTimeString(undefined, { timeStyle: "short" }))
    .replaceAll(/\{date[a-z_]*\}/g, day)
    .replaceAll("{ago}", fallback);
  const made = element("time", words);
  made.dateTime = at.toISOString();
  made.title = at.toISOString();
  return made;
}

function special(inside, names) {
  const [body, label] = inside.split("|");
  if (body.startsWith("@")) return element("span", "@" + (names.people[body.slice(1)] ?? body.slice(1)), "mention");
  if (body.startsWith("#")) return element("span", "#" + (names.channels[body.slice(1)] ?? body.slice(1)), "mention");
  if (body.startsWith("!subteam^")) return element("span", "@" + (label ?? body.slice(9)), "mention");
  if (body.startsWith("!date^")) {
    const [, epoch, format] = body.split("^");
    return dated(epoch, format, unescape(label ?? ""));
  }
  if (body.startsWith("!")) return element("strong", "@" + body.slice(1), "mention loud");
  return anchor(unescape(body), unescape(label ?? body));
}

export function mrkdwn(text, names) {
  const made = document.createDocumentFragment();
  let last = 0;
  for (const found of text.matchAll(TOKENS)) {
    made.append(unescape(text.slice(last, found.index)));
    last = found.index + found[0].length;
    const [whole, fenced, code, tagged, bold, italic, struck, emoji] = found;
    if (fenced !== undefined) made.append(element("pre", unescape(fenced.replace(/^\n/, ""))));
    else if (code !== undefined) made.append(element("code", unescape(code)));
    else if (tagged !== undefined) made.append(special(tagged, names));
    else if (bold !== undefined) made.append(wrapped("strong", bold, names));
    else if (italic !== undefined) made.append(wrapped("em", italic, names));
    else if (struck !== undefined) made.append(wrapped("s", struck, names));
    else if (emoji !== undefined) made.append(EMOJI[emoji] ?? whole);
    else made.append(element("br"));
  }
  made.append(unescape(text.slice(last)));
  return made;
}

function wrapped(tag, text, names) {
  const made = element(tag);
  made.append(mrkdwn(text, names));
  return made;
}

export function textObject(text, names) {
  if (!text) return document.createTextNode("");
  if (text.type === "mrkdwn") return mrkdwn(text.text, names);
  const words = text.text.replaceAll(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
  return document.createTextNode(words);
}

// Keeps pages up to date while something is on its way, copies what has a Copy button, and takes
// a pasted connection string apart.
//
// A part of a page that changes by itself carries an id and data-refresh, the seconds between two
// looks. The server leaves data-refresh out when nothing runs any more: then the looking ends.
"use strict";

const patience = { failures: 0 };

function parts(root) {
  return [...root.querySelectorAll("[data-live][id]")];
}

function seconds() {
  const found = parts(document).map((part) => Number(part.dataset.refresh)).filter((each) => each > 0);
  return found.length ? Math.min(...found) * 2 ** Math.min(patience.failures, 5) : 0;
}

// The element of the new part that stands where the focused one stood.
function counterpart(part, fresh) {
  const active = document.activeElement;
  if (!active || !part.contains(active)) return null;
  if (active.id) return () => document.getElementById(active.id);
  const kind = active.tagName.toLowerCase();
  const place = [...part.querySelectorAll(kind)].indexOf(active);
  return () => fresh.querySelectorAll(kind)[place] || null;
}

function replace(part, fresh) {
  if (part.outerHTML === fresh.outerHTML) return;
  const opened = [...part.querySelectorAll("details[id][open]")].map((each) => each.id);
  const focus = counterpart(part, fresh);
  const said = part.dataset.says;
  const typed = [...part.querySelectorAll("input[id]")].filter((each) => each.value !== each.defaultValue);
  part.replaceWith(fresh);
  for (const each of typed) {
    const input = document.getElementById(each.id);
    if (input) input.value = each.value;
  }
  for (const id of opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  if (focus && focus()) focus().focus({ preventScroll: true });
  if (fresh.dataset.says && fresh.dataset.says !== said) {
    document.getElementById("announcements").textContent = fresh.dataset.says;
  }
}

async function look() {
  if (document.hidden || !seconds()) return;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts(document)) {
      const fresh = page.getElementById(part.id);
      if (fresh) replace(part, document.importNode(fresh, true));
    }
    patience.failures = 0;
  } catch {
    patience.failures += 1;
  }
}

let timer = 0;
function wait() {
  clearTimeout(timer);
  if (document.hidden || !seconds()) return;
  timer = setTimeout(() => look().then(wait), seconds() * 1000);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look().then(wait);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copies).textContent;
  try {
    await navigator.clipboard.writeText(text);
    document.getElementById("announcements").textContent = "Copied.";
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
  }
});

// The parts of a connection string; null while it is none, which the server says more about. With
// a password that is not encoded nobody knows where the host begins.
function taken(text) {
  const [login, ...rest] = text.replace(/^[^:]*:\/\//, "").split("@");
  if (rest.length > 1 || /[/?#[\]]/.test(login) || text.includes("#")) return null;
  try {
    const url = new URL(text.trim());
    if (!/^postgres(ql)?:$/.test(url.protocol) || !url.hostname) return null;
    return {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.replace(/^\//, "")),
      sslmode: url.searchParams.get("sslmode") || "",
    };
  } catch {
    return null;
  }
}

// A connection string fills the fields of its form and is not sent itself. Whole ones only: half
// of one that is being typed is one too.
function fill(event) {
  const source = event.target.closest("[data-fills]");
  const found = source && taken(source.value);
  if (!found) return;
  const fields = document.getElementById(source.dataset.fills).elements;
  for (const [name, value] of Object.entries(found)) fields[name].value = value;
  source.value = "";
  document.getElementById("announcements").textContent = "The fields are filled in.";
}

document.addEventListener("change", fill);
document.addEventListener("input", (event) => {
  if (/^insertFrom/.test(event.inputType)) fill(event);
});

// Taken out, not hidden: the first button of a form is what Enter presses.
for (const element of document.querySelectorAll(".scripted-not")) element.remove();

wait();

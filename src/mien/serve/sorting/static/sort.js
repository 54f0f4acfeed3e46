// One photo at a time, one key each. Knows nothing of files: it asks the server and shows text.
// Law: a decision is sent when the next one is made, none is left or the page is left: until then it
// can be undone. One that did not arrive is asked for again.
// @ts-check

import { fill, text } from "./texts.js";

/** @typedef {{name: string, label: string|null, groups: Record<string, string>, title: string,
 *   creator: string, licence: string, landing_page: string, source: string, query: string}} Photo */
/** @typedef {{photo: Photo, label: string|null, groups: Record<string, string>}} Decision */

/** @type {Photo[]} */
let photos = [];
/** @type {string[]} */
let classes = [];
let decided = 0;
/** @type {Decision|null} */
let pending = null;
// Sources that are not searched with words: what was asked for is a path.
const FOUND_HERE = ["urls", "folder", "camera"];

/** @param {string} id @returns {any} */
const at = (id) => document.getElementById(id);

/** What a server that has ended answers is null. @param {string} path @param {RequestInit} [how] */
const ask = (path, how) => fetch(path, how).catch(() => null);

async function load() {
  const answer = await ask("/api/inbox");
  if (!answer?.ok) return fail(text("silent"));
  const inbox = await answer.json();
  photos = inbox.photos;
  classes = inbox.classes;
  show();
}

/** @param {Photo} photo @returns {string[]} The guess first. */
function order(photo) {
  const rest = classes.filter((label) => label !== photo.label);
  return photo.label ? [photo.label, ...rest] : rest;
}

function show() {
  const photo = photos[0];
  if (!photo) void flush(); // nobody has to leave the page for the last one
  document.body.classList.toggle("done", !photo);
  at("left").textContent = photo ? text("left", { n: photos.length }) : text("done");
  at("progress").max = Math.max(1, decided + photos.length);
  at("progress").value = decided;
  at("undo").disabled = pending === null;
  at("undone").textContent = pending
    ? text("undoing", { what: pending.label ?? text("thrown") })
    : text("undo");
  at("ways").hidden = !photo;
  at("classes").replaceChildren();
  at("groups").replaceChildren();
  at("choice").hidden = !photo;
  at("next").hidden = Boolean(photo);
  if (!photo) {
    at("photo").removeAttribute("src");
    at("photo").alt = "";
    at("about").textContent = "";
    at("page").hidden = true;
    return;
  }
  at("photo").src = source(photo);
  at("photo").alt = photo.title || text("untitled");
  const creator = photo.creator && text("by", { name: photo.creator });
  const query = photo.query && text(FOUND_HERE.includes(photo.source) ? "from" : "found", { words: photo.query });
  at("about").textContent = [photo.title, creator, photo.licence, query].filter(Boolean).join(" · ");
  at("page").hidden = !/^https?:/.test(photo.landing_page);
  at("page").href = at("page").hidden ? "#" : photo.landing_page;
  order(photo).forEach((label, i) => at("classes").append(button(label, i, label === photo.label)));
  for (const [name, value] of Object.entries(photo.groups)) at("groups").append(field(name, value));
  for (const next of photos.slice(1, 4)) new Image().src = source(next);
}

/** @param {Photo} photo */
const source = (photo) => `/photo/${encodeURIComponent(photo.name.split("/").pop() ?? "")}`;

/** @param {string} label @param {number} i @param {boolean} guess */
function button(label, i, guess) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = guess ? "guess" : "";
  const key = document.createElement("kbd");
  key.textContent = i < 9 ? String(i + 1) : "";
  element.append(key, label);
  element.addEventListener("click", () => decide(label));
  return element;
}

/** @param {string} name @param {string} value */
function field(name, value) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.name = name;
  input.value = value;
  label.append(name, input);
  return label;
}

/** @param {string|null} label */
function decide(label) {
  const photo = photos.shift();
  if (!photo) return;
  const stated = [...new FormData(at("groups")).entries()].map(([k, v]) => [k, String(v).trim()]);
  void flush();
  pending = { photo, label, groups: Object.fromEntries(stated.filter(([, value]) => value)) };
  decided += 1;
  at("error").textContent = "";
  show();
}

function undo() {
  if (!pending) return;
  photos.unshift(pending.photo);
  pending = null;
  decided -= 1;
  show();
}

/** Send the decision that can no longer be undone. */
async function flush() {
  const sent = pending;
  pending = null;
  if (!sent) return;
  const body = JSON.stringify({ name: sent.photo.name, label: sent.label, groups: sent.groups });
  const headers = { "Content-Type": "application/json" };
  const answer = await ask("/api/decision", { method: "POST", headers, body, keepalive: true });
  if (answer?.ok) return;
  // It is still in the inbox: to be decided on again, after those that wait.
  photos.push(sent.photo);
  decided -= 1;
  show();
  const why = answer ? (await answer.json()).error?.message : text("silent");
  fail(`${text("lost")} ${why ?? ""}`);
}

/** @param {string} text */
function fail(text) {
  at("error").textContent = text;
}

function later() {
  const photo = photos.shift();
  if (photo) photos.push(photo);
  show();
}

document.addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(event.key);
  if (event.key === "x") decide(null);
  else if (event.key === "Backspace") undo();
  else if (event.key === "ArrowRight") later();
  else if (photos[0] && number >= 1 && number <= classes.length) decide(order(photos[0])[number - 1]);
  else return;
  event.preventDefault();
});
at("out").addEventListener("click", () => decide(null));
at("later").addEventListener("click", later);
at("undo").addEventListener("click", undo);
at("other").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  const label = at("new").value.trim();
  if (!label) return;
  at("new").value = "";
  at("new").blur();
  if (!classes.includes(label)) classes.push(label);
  decide(label);
});
at("groups").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
at("photo").addEventListener("error", () => fail(text("unseen")));
addEventListener("pagehide", () => void flush());
fill();
at("new").placeholder = text("new");
void load();

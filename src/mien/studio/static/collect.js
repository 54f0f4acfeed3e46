// Collect: the cards of the classes, the counts, and undo.
// @ts-check

import { api, byId, classColour, el, number, t, toast } from "./mien.js";
import { openGrid } from "./grid.js";
import { recorder } from "./record.js";
import { change, listen, now } from "./state.js";
import { choose, dropped, send } from "./upload.js";

const IN_STRIP = 24;
const A_FAIR_NUMBER = 20;
// A column with more values, such as one for each person, tells nothing as a table.
const MOST_VALUES = 8;
const PERSON = "person";
// On a phone the tables would stand between collecting and training.
const NARROW = matchMedia("(max-width: 759px)");

/** @typedef {import("./state.js").State} State */

/** @type {Map<string, Card>} */
const cards = new Map();

/** Begin: build what never changes and listen to the project. */
export function beginCollect() {
  byId("add-class").addEventListener("click", addClass);
  byId("undo").addEventListener("click", undo);
  document.addEventListener("keydown", (event) => {
    const inField = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z" && !inField) {
      event.preventDefault();
      undo();
    }
  });
  acceptDrops(byId("collect"), () => null);
  listen(show);
}

/**
 * The words for a change. @param {{kind: string, words: Record<string, string | number>}} change
 */
export const inWords = ({ kind, words }) => t(`change.${kind}`, words);

export async function undo() {
  const answer = await change("/api/undo", {});
  if (!answer) return;
  toast(answer.undone ? t("undo.done", { what: inWords(answer.undone) }) : t("undo.nothing"));
}

/** @param {State} state */
function show(state) {
  byId("undo").disabled = !state.undo;
  byId("undo").title = state.undo ? t("undo.tip", { what: inWords(state.undo) }) : "";
  byId("trouble").hidden = !state.trouble;
  if (state.trouble) byId("trouble").textContent = t("collect.trouble", { reason: state.trouble });
  const looking = state.looked_at < state.n_photos && state.looked_at > 0;
  byId("looking").hidden = !looking;
  if (looking) {
    byId("looking").textContent = t("collect.looking",
      { done: number(state.looked_at), total: number(state.n_photos) });
  }
  showCards(state);
  showCounts(state);
}

/** @param {State} state */
function showCards(state) {
  const labels = state.classes.map((one) => one.label);
  for (const [label, card] of cards) {
    if (!labels.includes(label)) { card.remove(); cards.delete(label); }
  }
  /** @type {HTMLElement | null} */
  let before = null;
  for (const [i, one] of state.classes.entries()) {
    let card = cards.get(one.label);
    if (!card) { card = new Card(one.label); cards.set(one.label, card); }
    const place = before ? before.nextElementSibling : byId("classes").firstElementChild;
    if (place !== card.node) byId("classes").insertBefore(card.node, place);
    card.show(one, i, state);
    before = card.node;
  }
}

let adding = false;

async function addClass() {
  if (adding) return; // a second press would ask for the same name
  adding = true;
  const taken = now()?.classes.map((one) => one.label) ?? [];
  let n = taken.length + 1;
  while (taken.includes(t("collect.new_class", { n }))) n += 1;
  const answer = await change("/api/classes", { label: t("collect.new_class", { n }) });
  adding = false;
  if (answer) cards.get(answer.label)?.rename();
}

class Card {
  /** @param {string} label */
  constructor(label) {
    this.label = label;
    this.stripVersion = "";
    /** @type {ReturnType<typeof recorder> | null} */
    this.recorder = null;
    this.name = el("button", { type: "button", class: "name quiet", title: t("collect.rename"), onclick: () => this.rename() });
    this.count = el("span", { class: "number soft count" });
    this.faceless = el("button", { type: "button", class: "badge warn", hidden: true,
      onclick: () => openGrid(this.label, { faceless: true }) });
    this.strip = el("button", { type: "button", class: "strip", "aria-label": t("collect.open_grid", { label }),
      onclick: () => openGrid(this.label) });
    this.slot = el("div", { class: "slot" });
    this.menu = this.makeMenu();
    this.cameraButton = el("button", { type: "button", onclick: () => this.record() }, icon("camera"), t("collect.camera"));
    this.node = el("article", { class: "card class-card", "aria-label": label },
      el("header", { class: "class-head" }, el("div", { class: "class-title" }, el("h3", null, this.name), this.faceless),
        this.count, this.menu),
      el("div", { class: "row" }, this.cameraButton,
        el("button", { type: "button", onclick: () => this.chosen(choose()) }, icon("photos"), t("collect.files")),
        el("button", { type: "button", onclick: () => this.chosen(choose({ folder: true })) }, icon("folder"), t("collect.folder"))),
      this.slot, this.strip);
    acceptDrops(this.node, () => this.label);
  }

  makeMenu() {
    const item = (/** @type {string} */ text, /** @type {() => void} */ act, danger = false) =>
      el("button", { type: "button", class: danger ? "quiet danger-text" : "quiet",
        onclick: () => { menu.open = false; act(); } }, text);
    const menu = el("details", { class: "menu" },
      el("summary", { "aria-label": t("collect.menu", { label: this.label }) }, icon("more")),
      el("div", { class: "card sheet-menu" },
        item(t("collect.rename"), () => this.rename()),
        item(t("collect.up"), () => this.reorder(-1)),
        item(t("collect.down"), () => this.reorder(1)),
        item(t("collect.delete_class"), () => this.delete(), true)));
    menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && menu.open) { menu.open = false; menu.firstElementChild.focus(); }
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
    return menu;
  }

  /** @param {{label: string, n: number, faceless: number}} one @param {number} index @param {State} state */
  show(one, index, state) {
    this.node.style.setProperty("--colour", classColour(index));
    if (!this.renaming) this.name.textContent = one.label;
    this.count.textContent = t("collect.n_photos", { n: number(one.n) });
    this.faceless.hidden = !one.faceless;
    this.faceless.textContent = t("collect.n_faceless", { n: number(one.faceless) });
    if (this.stripVersion !== state.listing) {
      this.stripVersion = state.listing;
      this.showStrip(one.n);
    }
  }

  /** @param {number} n */
  async showStrip(n) {
    if (!n) {
      this.strip.replaceChildren(el("span", { class: "drop-words soft" }, t("collect.drop_here")));
      return;
    }
    const answer = await api(`/api/photos?last=${IN_STRIP}&label=${encodeURIComponent(this.label)}`).catch(() => null);
    if (!answer) return;
    this.strip.replaceChildren(...answer.photos.reverse().map((/** @type {[string, string]} */ [name, version]) =>
      el("img", { src: thumbnailUrl(name, version), alt: "", width: 64, height: 64, loading: "lazy", decoding: "async" })));
  }

  rename() {
    if (this.renaming) return;
    this.renaming = true;
    const input = el("input", { type: "text", value: this.label, "aria-label": t("collect.class_name"), maxlength: 80 });
    const done = async (/** @type {boolean} */ keep) => {
      if (!this.renaming) return;
      this.renaming = false;
      const hadFocus = document.activeElement === input;
      input.replaceWith(this.name);
      const next = input.value.trim();
      if (keep && next && next !== this.label) {
        const answer = await change("/api/classes/rename", { label: this.label, new: next });
        if (answer) { if (hadFocus) cards.get(answer.label)?.name.focus(); return; }
      }
      if (hadFocus) this.name.focus();
    };
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") done(true);
      if (event.key === "Escape") done(false);
    });
    input.addEventListener("blur", () => done(true));
    this.name.replaceWith(input);
    input.focus();
    input.select();
  }

  /** @param {number} step */
  reorder(step) {
    const labels = now()?.classes.map((one) => one.label) ?? [];
    const from = labels.indexOf(this.label);
    const to = from + step;
    if (to < 0 || to >= labels.length) return;
    labels.splice(from, 1);
    labels.splice(to, 0, this.label);
    change("/api/classes/order", { labels });
  }

  async delete() {
    const n = now()?.classes.find((one) => one.label === this.label)?.n ?? 0;
    if (await change("/api/classes/delete", { label: this.label })) {
      toast(inWords({ kind: "delete_class", words: { label: this.label, n } }), { action: t("common.undo"), onAction: undo });
    }
  }

  record() {
    if (this.recorder) { this.recorder.close(); return; }
    for (const card of cards.values()) card.recorder?.close();
    this.recorder = recorder(this.label, () => { this.recorder = null; this.cameraButton.setAttribute("aria-pressed", "false"); });
    this.cameraButton.setAttribute("aria-pressed", "true");
    this.slot.append(this.recorder.node);
    this.recorder.focus();
  }

  /** @param {Promise<import("./upload.js").Found[]>} files */
  async chosen(files) { send(await files, this.label); }

  remove() { this.recorder?.close(); this.node.remove(); }
}

/** Open the recorder of a class, as the first-run page does. @param {string} label */
export function recordFor(label) { cards.get(label)?.record(); }

/** Let the user type another name for a class. @param {string} label */
export function renameClass(label) { cards.get(label)?.rename(); }

/**
 * Take drops; a drop on a card is that card's, one beside it goes by folders.
 * @param {HTMLElement} node
 * @param {() => string | null} labelOf
 */
export function acceptDrops(node, labelOf) {
  node.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    node.classList.add("drop");
  });
  for (const name of ["dragleave", "drop"]) node.addEventListener(name, () => node.classList.remove("drop"));
  node.addEventListener("drop", async (event) => {
    if (!event.dataTransfer) return;
    event.preventDefault();
    event.stopPropagation();
    send(await dropped(event.dataTransfer), labelOf());
  });
}

/** @param {string} name @param {string} version */
export const thumbnailUrl = (name, version) =>
  `/api/thumbnail?name=${encodeURIComponent(name)}&v=${version}`;

/** @param {string} name */
export function icon(name) {
  const paths = {
    camera: "M4 8h3l1.500-2h7L17 8h3v11H4zM12 16.500a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400z",
    photos: "M4 5h16v14H4zM4 16l4.500-4.500 4 4L15.500 12l4.500 4.500M15.500 9v.01",
    folder: "M3 6h6l2 2h10v11H3z",
    more: "M12 5v.01M12 12v.01M12 19v.01",
  };
  const node = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  node.setAttribute("viewBox", "0 0 24 24");
  node.setAttribute("aria-hidden", "true");
  node.setAttribute("class", `icon icon-${name}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[/** @type {keyof typeof paths} */ (name)]);
  node.append(path);
  return node;
}

/** @param {State} state */
function showCounts(state) {
  const box = byId("counts");
  box.hidden = state.n_photos === 0;
  if (box.hidden) return;
  const labels = state.classes.map((one) => one.label);
  const missing = state.classes.filter((one) => one.n < A_FAIR_NUMBER)
    .map((one) => t("collect.missing_photos", { label: one.label, n: A_FAIR_NUMBER - one.n }));
  const tables = Object.entries(state.groups).map(([column, values]) => {
    const n = Object.keys(values).length;
    if (n > MOST_VALUES || column === PERSON) return el("p", { class: "small soft" }, t("collect.many_values", { column, n: number(n) }));
    for (const [value, counts] of Object.entries(values)) {
      for (const label of labels) {
        if (!counts[label]) missing.push(t("collect.missing_cell", { label, column, value }));
      }
    }
    return groupTable(column, values, labels);
  });
  const open = box.querySelector("details")?.open ?? !NARROW.matches;
  box.replaceChildren(el("h3", null, t("collect.counts")),
    missing.length
      ? el("div", null, el("p", { class: "small soft" }, t("collect.missing")),
        el("ul", { class: "plain small" }, ...missing.slice(0, 8).map((words) => el("li", null, words))))
      : el("p", { class: "small soft" }, t("collect.enough")),
    ...(tables.length ? [el("details", { open }, el("summary", null, t("collect.by_group")), ...tables)] : []));
}

/** @param {string} column @param {Record<string, Record<string, number>>} values @param {string[]} labels */
function groupTable(column, values, labels) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": column },
    el("table", { class: "small" },
      el("thead", null, el("tr", null, el("th", { scope: "col" }, column),
        ...Object.keys(values).map((value) => el("th", { scope: "col", class: "n" }, value)))),
      el("tbody", null, ...labels.map((label) => el("tr", null, el("th", { scope: "row" }, label),
        ...Object.values(values).map((counts) => el("td", { class: counts[label] ? "n" : "n none" }, number(counts[label] ?? 0))))))));
}

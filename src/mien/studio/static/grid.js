// The photos of a class, however many: only the rows in sight are in the page.
// Laws: what is selected is kept by name, so that scrolling and renewing lose nothing; one cell is in
// the tab order, arrows go on from there (WAI-ARIA grid pattern).
// @ts-check

import { api, el, number, t, tell, toast } from "./mien.js";
import { undo, thumbnailUrl } from "./collect.js";
import { groupBar } from "./groups.js";
import { openLarge } from "./figures.js";
import { change, listen, now } from "./state.js";

const LEAST_PX = 84;
const USUAL_PX = 112;
const GAP_PX = 6;

/** @typedef {{name: string, version: string, groups: Record<string, string>, reason: string | null}} Photo */

/**
 * Show the photos of a class.
 * @param {string} label
 * @param {{faceless?: boolean}} [options] only those without a usable face
 */
export function openGrid(label, { faceless = false } = {}) {
  new Grid(label, faceless);
}

class Grid {
  /** @param {string} label @param {boolean} faceless */
  constructor(label, faceless) {
    this.label = label;
    /** @type {Photo[]} */
    this.photos = [];
    /** @type {Set<string>} */
    this.selected = new Set();
    this.at = 0;
    this.anchor = 0;
    this.columns = 1;
    this.cell = USUAL_PX;
    this.version = "";
    this.words = el("span", { class: "number", role: "status" });
    this.move = el("select", { "aria-label": t("grid.move_to"), onchange: () => this.withSelected(() => this.moveTo(this.move.value)) });
    this.only = el("input", { type: "checkbox", checked: faceless, onchange: () => this.load(true) });
    this.rows = el("div", { class: "grid-rows" });
    this.scroller = el("div", { class: "grid", role: "grid", "aria-label": t("grid.title", { label }),
      "aria-multiselectable": "true", "aria-describedby": "grid-hint", onscroll: () => this.draw(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      onclick: (/** @type {MouseEvent} */ event) => this.click(event),
      ondblclick: () => this.large() }, this.rows);
    this.empty = el("p", { class: "soft", hidden: true }, t("grid.empty"));
    this.groups = groupBar((column, value) => this.give(column, value));
    this.dialog = el("dialog", { class: "sheet", "aria-labelledby": "grid-title", onclose: () => this.close() },
      el("header", { class: "spread" },
        el("h2", { id: "grid-title" }, t("grid.title", { label }), " ", this.words),
        el("form", { method: "dialog" }, el("button", { class: "main" }, t("common.close")))),
      el("div", { class: "row tools" },
        this.button("grid.select_all", () => this.select(this.photos.map((photo) => photo.name))),
        this.button("grid.select_none", () => this.select([])),
        this.move,
        this.button("grid.large", () => this.large()),
        this.button("grid.delete", () => this.withSelected(() => this.delete())),
        this.button("common.undo", () => undo()),
        el("label", { class: "check small" }, this.only, t("grid.faceless"))),
      this.groups.node,
      el("p", { id: "grid-hint", class: "soft small hint" }, t("grid.hint")),
      this.empty, this.scroller);
    document.body.append(this.dialog);
    this.dialog.showModal();
    // Messages must be above the dialog, which is on the browser's top layer.
    this.dialog.append(document.getElementById("toasts"));
    // Whoever puts the focus on a cell, by whatever means, means that photo.
    this.scroller.addEventListener("focusin", (/** @type {FocusEvent} */ event) => {
      const index = event.target instanceof HTMLElement ? event.target.dataset.index : undefined;
      if (index !== undefined) this.at = Number(index);
    });
    this.resized = new ResizeObserver(() => this.measure());
    this.resized.observe(this.scroller);
    this.stop = listen((state) => {
      const mine = state.classes.find((one) => one.label === label);
      if (!mine) { this.dialog.close(); return; }
      this.groups.offer(state.groups);
      // Not at each photo that was looked at: ten thousand names are a megabyte.
      const version = `${state.listing} ${mine.faceless}`;
      if (version !== this.version) { this.version = version; this.load(false); }
    });
  }

  /** @param {string} key @param {() => void} act */
  button(key, act) { return el("button", { type: "button", onclick: act }, t(key)); }

  close() {
    this.stop();
    this.resized.disconnect();
    document.body.append(document.getElementById("toasts") ?? "");
    this.dialog.remove();
  }

  /** @param {boolean} top */
  async load(top) {
    let answer;
    try {
      answer = await api(`/api/photos?label=${encodeURIComponent(this.label)}`);
    } catch (error) { tell(error); return; }
    this.photos = answer.photos.map((/** @type {any[]} */ [name, version, groups, reason]) => ({ name, version, groups, reason }));
    if (this.only.checked) this.photos = this.photos.filter((photo) => photo.reason);
    const there = new Set(this.photos.map((photo) => photo.name));
    for (const name of this.selected) if (!there.has(name)) this.selected.delete(name);
    this.at = Math.max(0, Math.min(this.at, this.photos.length - 1));
    const others = (now()?.classes ?? []).map((one) => one.label).filter((label) => label !== this.label);
    this.move.replaceChildren(el("option", { value: "" }, t("grid.move_to")),
      ...others.map((label) => el("option", { value: label }, label)));
    this.empty.hidden = this.photos.length > 0;
    if (top) this.scroller.scrollTop = 0;
    this.measure();
  }

  measure() {
    const width = this.rows.clientWidth;
    // What is in between the usual size and the least lets the rows end where the window does.
    this.columns = Math.max(1, Math.floor((width + GAP_PX) / (LEAST_PX + GAP_PX)));
    while (this.columns > 3 && this.size(width) < USUAL_PX) this.columns -= 1;
    this.cell = this.size(width);
    this.scroller.style.setProperty("--cell", `${this.cell}px`);
    const count = Math.ceil(this.photos.length / this.columns);
    this.rows.style.height = `${count * (this.cell + GAP_PX)}px`;
    this.scroller.setAttribute("aria-rowcount", String(count));
    this.scroller.setAttribute("aria-colcount", String(this.columns));
    this.draw();
  }

  /** How large the cells of a row are. @param {number} width of the row */
  size(width) { return Math.floor((width - GAP_PX * (this.columns - 1)) / this.columns); }

  /** Put the rows in sight into the page, and only those. */
  draw() {
    const step = this.cell + GAP_PX;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / step));
    const last = Math.min(Math.ceil(this.photos.length / this.columns) - 1,
      Math.floor((this.scroller.scrollTop + this.scroller.clientHeight) / step));
    const hadFocus = this.rows.contains(document.activeElement);
    const rows = [];
    for (let row = first; row <= last; row += 1) rows.push(this.row(row, step));
    this.rows.replaceChildren(...rows);
    this.words.textContent = this.selected.size
      ? t("grid.selected", { n: number(this.selected.size), total: number(this.photos.length) })
      : number(this.photos.length);
    if (!this.rows.querySelector("[tabindex='0']")) this.rows.querySelector("[role=gridcell]")?.setAttribute("tabindex", "0");
    if (hadFocus) this.focus();
  }

  /** @param {number} row @param {number} step */
  row(row, step) {
    const cells = this.photos.slice(row * this.columns, (row + 1) * this.columns).map((photo, column) => {
      const index = row * this.columns + column;
      const words = [t("grid.photo", { name: photo.name.split("/").at(-1) ?? "", k: index + 1, n: this.photos.length }),
        ...Object.entries(photo.groups).map(([key, value]) => `${key} ${value}`), photo.reason ?? ""];
      return el("div", { role: "gridcell", class: photo.reason ? "cell faceless" : "cell",
        "data-index": index, "aria-colindex": column + 1, "aria-selected": this.selected.has(photo.name) ? "true" : "false",
        "aria-label": words.filter(Boolean).join(", "), title: words.slice(1).filter(Boolean).join(", ") || null,
        tabindex: index === this.at ? "0" : "-1" },
        el("img", { src: thumbnailUrl(photo.name, photo.version), alt: "", width: this.cell, height: this.cell, decoding: "async" }));
    });
    const node = el("div", { role: "row", class: "grid-row", "aria-rowindex": row + 1 }, ...cells);
    node.style.transform = `translateY(${row * step}px)`;
    return node;
  }

  /** @param {number} index */
  go(index) {
    this.at = Math.max(0, Math.min(index, this.photos.length - 1));
    const step = this.cell + GAP_PX;
    const top = Math.floor(this.at / this.columns) * step;
    const view = this.scroller;
    if (top < view.scrollTop) view.scrollTop = top;
    if (top + step > view.scrollTop + view.clientHeight) view.scrollTop = top + step - view.clientHeight;
    this.draw();
    this.focus();
  }

  focus() { this.rows.querySelector(`[data-index='${this.at}']`)?.focus({ preventScroll: true }); }

  /** @param {Iterable<string>} names */
  select(names) { this.selected = new Set(names); this.draw(); }

  toggle() {
    const name = this.photos[this.at]?.name;
    if (!name) return;
    if (!this.selected.delete(name)) this.selected.add(name);
    this.anchor = this.at;
    this.draw();
  }

  upToHere() {
    const [from, to] = [Math.min(this.anchor, this.at), Math.max(this.anchor, this.at)];
    this.select(this.photos.slice(from, to + 1).map((photo) => photo.name));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / (this.cell + GAP_PX)));
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns,
      PageDown: page * this.columns, PageUp: -page * this.columns, Home: -this.photos.length, End: this.photos.length };
    const isCommand = event.ctrlKey || event.metaKey;
    if (event.key in steps) {
      this.go(this.at + steps[/** @type {keyof typeof steps} */ (event.key)]);
      if (event.shiftKey) this.upToHere(); else this.anchor = this.at;
    } else if (event.key === " ") this.toggle();
    else if (event.key === "Enter") this.large();
    else if (event.key === "Delete" || event.key === "Backspace") this.delete();
    else if (isCommand && event.key === "a") this.select(this.photos.map((photo) => photo.name));
    else if (!isCommand && /^[0-9]$/.test(event.key)) this.groups.press(Number(event.key));
    else return;
    event.preventDefault();
    this.focus();
  }

  /** @param {MouseEvent} event */
  click(event) {
    const cell = event.target instanceof Element ? event.target.closest("[role=gridcell]") : null;
    if (!(cell instanceof HTMLElement)) return;
    this.at = Number(cell.dataset.index);
    if (event.shiftKey) this.upToHere();
    else this.toggle();
    this.focus();
  }

  large() {
    const photo = this.photos[this.at];
    if (photo) openLarge({ large: `/api/photo?name=${encodeURIComponent(photo.name)}`, name: photo.name });
  }

  /** For a button or a list: which photo is at hand is seen by keyboard only. @param {() => void} act */
  withSelected(act) {
    if (this.selected.size) act();
    else { this.move.value = ""; toast(t("grid.select_first")); }
  }

  /** The selected photos, or, for a key, the one at hand. */
  chosen() {
    return this.selected.size ? [...this.selected] : this.photos[this.at] ? [this.photos[this.at].name] : [];
  }

  /** @param {string} label */
  async moveTo(label) {
    const names = this.chosen();
    if (!label || !names.length) return;
    const answer = await change("/api/photos/move", { names, label });
    if (answer) toast(t("grid.moved", { n: number(answer.n), label }), { action: t("common.undo"), onAction: undo });
  }

  async delete() {
    const names = this.chosen();
    if (!names.length) return;
    const answer = await change("/api/photos/delete", { names });
    if (answer) toast(t("grid.deleted", { n: number(answer.n) }), { action: t("common.undo"), onAction: undo });
  }

  /** @param {string} column @param {string} value */
  async give(column, value) {
    const names = this.chosen();
    if (!names.length) { toast(t("grid.select_first")); return; }
    const answer = await change("/api/groups", { names, column, value });
    if (!answer) return;
    toast(value ? t("grid.given", { column, value, n: number(names.length) }) : t("grid.taken", { column, n: number(names.length) }));
    // With nothing selected, keys go from photo to photo.
    if (!this.selected.size) this.go(this.at + 1);
  }
}

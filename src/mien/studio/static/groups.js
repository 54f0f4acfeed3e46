// Groups by keyboard: a column, its values, and one key for each.
// @ts-check

import { el, t } from "./mien.js";

const MOST = 9;

/**
 * @param {(column: string, value: string) => void} give
 */
export function groupBar(give) {
  const list = el("datalist", { id: "group-columns" });
  const column = el("input", { type: "text", list: "group-columns", placeholder: t("grid.column_example"),
    oninput: () => fill() });
  const values = el("input", { type: "text", oninput: () => { touched = true; draw(); } });
  const keys = el("div", { class: "row" });
  let touched = false;
  /** @type {Record<string, Record<string, unknown>>} */
  let known = {};

  const node = el("details", { class: "groups" }, el("summary", null, t("grid.groups")),
    el("p", { class: "soft small" }, t("grid.groups_hint")),
    el("div", { class: "row" },
      el("label", { class: "field" }, t("grid.column"), column),
      el("label", { class: "field grow" }, t("grid.values"), values)),
    list, keys);

  const list_of = () => [...new Set(values.value.split(",").map((/** @type {string} */ one) => one.trim()))]
    .filter(Boolean).slice(0, MOST);

  function fill() {
    const there = Object.keys(known[column.value.trim()] ?? {});
    if (!touched && there.length) values.value = there.join(", ");
    draw();
  }

  function draw() {
    const name = column.value.trim();
    keys.replaceChildren(...(name ? list_of() : []).map((value, i) =>
      el("button", { type: "button", onclick: () => give(name, value) }, el("kbd", null, String(i + 1)), value)));
  }

  return {
    node,
    /** @param {number} key */
    press(key) {
      const name = column.value.trim();
      const value = key === 0 ? "" : list_of()[key - 1];
      if (name && value !== undefined) give(name, value);
    },
    /** @param {Record<string, Record<string, unknown>>} groups */
    offer(groups) {
      known = groups;
      list.replaceChildren(...Object.keys(groups).map((name) => el("option", { value: name })));
      if (!column.value && Object.keys(groups).length) { column.value = Object.keys(groups)[0]; fill(); }
    },
  };
}

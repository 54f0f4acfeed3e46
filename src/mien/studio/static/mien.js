// What every page of the studio uses: texts, requests, elements, messages, formats.
// Knows no page. Law: nothing here holds state of the project; the server has the truth.
// @ts-check

/** @type {Record<string, string>} */
const TEXTS = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

/** The page's language, as in `<html lang>`. */
export const language = document.documentElement.lang;

/**
 * A text in the page's language, with its {placeholders} filled in: {n} is a value,
 * {n|photo|photos} the word that goes with it, the first for one.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = TEXTS[key];
  if (text === undefined) throw new Error(`no text '${key}'`);
  return text.replace(/\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}/g, (whole, name, one, several) => {
    const value = String(values[name] ?? whole);
    return one === undefined ? value : value === "1" ? one : several;
  });
}

/**
 * A sentence as it may be broken into lines: “81 %” never is, nor, in Korean, the ending after a
 * number's sign or a bracket.
 * @param {string} text
 */
export function unbroken(text) {
  return language === "ko" ? text.replace(/([%)])(?=[가-힣])/g, "$1\u2060") : text.replace(/(?<=\d) (?=%)/g, "\u202f");
}

/**
 * The name of a run, whose number stays with the word before it; a browser breaks after the hyphen.
 * @param {string} name
 */
export function runName(name) {
  const [, head, tail] = /^(.*?)([^-]{1,12}-\d{1,4})$/.exec(name) ?? [];
  return tail ? el("span", null, head, el("span", { class: "one-line" }, tail)) : el("span", null, name);
}

/** Something the server refused, in its words. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where there was no answer at all
   * @param {{message: string, hint?: string, code?: string}} error
   */
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.hint = error.hint ?? "";
    this.code = error.code ?? "";
  }
}

/**
 * Ask the server and read its JSON.
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: BodyInit, signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function api(path, { method, json, body, signal } = {}) {
  /** @type {RequestInit} */
  const request = { method: method ?? (json === undefined && !body ? "GET" : "POST"), signal };
  if (json !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(json);
  } else if (body) {
    request.body = body;
  }
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new ApiError(0, { message: t("error.no_answer"), hint: t("error.no_answer_hint") });
  }
  if (answer.status === 401) {
    throw new ApiError(401, { message: t("error.restarted"), hint: t("error.restarted_hint") });
  }
  const kind = answer.headers.get("Content-Type") ?? "";
  const value = kind.includes("json") ? await answer.json() : null;
  if (!answer.ok) throw new ApiError(answer.status, value?.error ?? { message: t("error.ours") });
  return value;
}

/**
 * Make an element. Properties that are functions are listeners, such as `onclick`; `class`, `data-…`
 * and `aria-…` are attributes; `style` is an object.
 * @param {string} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (typeof value === "function" || name === "value") /** @type {any} */ (node)[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  const said = tag === "pre" || tag === "code" ? String : unbroken; // what is to be copied stays as it is
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "string" ? said(child) : /** @type {Node} */ (child))));
  return node;
}

// A file that is dropped beside every place for it would replace the studio in this tab.
for (const name of /** @type {const} */ (["dragover", "drop"])) {
  addEventListener(name, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an SVG element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * The element of this id, which the template promises.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`no element '${id}'`);
  return node;
}

/**
 * Show a short message; it is read out by screen readers.
 * @param {string} text
 * @param {{bad?: boolean, action?: string, onAction?: () => void, seconds?: number}} [options]
 */
export function toast(text, { bad = false, action, onAction, seconds } = {}) {
  const close = () => node.remove();
  const node = el("div", { class: bad ? "toast bad" : "toast" }, el("span", null, text));
  if (action && onAction) {
    node.append(el("button", { type: "button", onclick: () => { close(); onAction(); } }, action));
  }
  if (bad) node.append(el("button", { type: "button", class: "icon", "aria-label": t("common.close"), onclick: close }, "×"));
  const box = byId("toasts");
  // What several askers hear at once is said once.
  const same = [...box.children].find((/** @type {any} */ one) => one.firstChild?.textContent === text);
  if (same && !action) same.remove();
  box.append(node);
  while (box.children.length > 4) box.firstElementChild?.remove();
  setTimeout(close, 1000 * (seconds ?? (bad ? 12 : action ? 8 : 4)));
}

/**
 * Tell the user what went wrong and what to do. Our own bugs go to the console too.
 * @param {unknown} error
 */
export function tell(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (!(error instanceof ApiError)) console.error(error);
  const words = error instanceof ApiError ? [error.message, error.hint] : [t("error.ours")];
  toast(words.filter(Boolean).join(" · "), { bad: true });
}

/**
 * Ask before something that cannot be undone.
 * @param {string} question
 * @param {{yes: string, danger?: boolean}} options
 * @returns {Promise<boolean>}
 */
export function ask(question, { yes, danger = false }) {
  return new Promise((resolve) => {
    const dialog = el("dialog", { "aria-label": question, onclose: () => { dialog.remove();
      resolve(dialog.returnValue === "yes"); } },
      el("form", { method: "dialog", class: "stack" },
        el("p", null, question),
        el("div", { class: "row end" },
          el("button", { value: "no" }, t("common.cancel")),
          el("button", { value: "yes", class: danger ? "danger" : "main" }, yes))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Call again and again while the page is seen, the next time after the answer; survives errors.
 * @param {() => Promise<void>} call
 * @param {number} ms
 * @returns {() => void} stops it
 */
export function every(ms, call) {
  let on = true;
  (async () => {
    while (on) {
      if (!document.hidden) {
        try { await call(); } catch (error) { if (!(error instanceof ApiError)) throw error; }
      }
      await new Promise((next) => setTimeout(next, ms));
    }
  })();
  return () => { on = false; };
}

const PERCENT = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const PERCENT_1 = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1,
  maximumFractionDigits: 1 });
const NUMBER = new Intl.NumberFormat(language);

/**
 * A share in percent; in English with a space, as the verbs' own sentences have it.
 * @param {number} value between 0 and 1
 * @param {number} [digits]
 */
export function percent(value, digits = 0) {
  const words = (digits ? PERCENT_1 : PERCENT).format(value);
  return language === "en" ? words.replace("%", "\u202f%") : words;
}
/** @param {number} value */
export const number = (value) => NUMBER.format(value);
/** @param {{low: number, high: number}} estimate */
export const interval = ({ low, high }) => `${NUMBER.format(Math.round(100 * low))}–\u2060${percent(high)}`; // never broken

/**
 * Seconds in words, such as “1 min 20 s”.
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60
    ? t("common.seconds", { n: whole })
    : t("common.minutes", { m: Math.floor(whole / 60), s: whole % 60 });
}

/**
 * The language that a sentence of the server is in: what its catalogue does not know is English.
 * @param {string} sentence
 */
export const spokenIn = (sentence) =>
  (language === "ko" && !/[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]/.test(sentence) ? "en" : null);

/**
 * A verb's stage in words, with how far it is.
 * @param {{stage: string, done: number, total: number}} event
 */
export function stageInWords({ stage, done, total }) {
  const key = `stage.${stage.replace(/[ -]/g, "_")}`;
  const words = t(key in TEXTS ? key : "stage.other");
  return total ? t("stage.words", { stage: words, done: number(done), total: number(total) }) : words;
}

/** The colour of the class with this number. @param {number} index */
export const classColour = (index) => `var(--class-${index % 8})`;

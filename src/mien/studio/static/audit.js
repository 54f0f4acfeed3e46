// The audit page: the table of classes and groups, and each finding with what can be decided.
// Laws: a decision is on the server's disk before this page shows it as made; test photos are not
// shown, only named: they stay sealed.
// @ts-check

import { api, byId, el, number, percent, spokenIn, t, tell, toast } from "./mien.js";
import { gallery, openLarge } from "./figures.js";
import { Follower, whyNot } from "./follow.js";
import { onPulse } from "./pulse.js";

const FIRST_PHOTOS = 24; // of a finding, before «show all»
const FIRST_PAIRS = 6;
const FIRST_WISHES = 8;
// As the audit calls them in its table: photos without a value, and all of them where there are no groups.
const UNKNOWN = "unknown";
const NO_GROUPS = "all";
/** @type {any} */
let state = {};
/** Where the queue of doubtful labels stands. */
let place = 0;

const small = (/** @type {string} */ name) => `/api/thumbnail?name=${encodeURIComponent(name)}`;
const large = (/** @type {string} */ name) => `/api/photo?name=${encodeURIComponent(name)}`;
const labelOf = (/** @type {string} */ name) => name.split("/")[0];
const decided = (/** @type {string} */ key) => state.decisions.find((/** @type {any} */ one) => one.key === key);

async function load() {
  state = await api("/api/audit");
  draw();
  byId("audit").setAttribute("aria-busy", "false");
}

function draw() {
  const { audit, job, changed, decisions, sets } = state;
  const running = job?.state === "running";
  byId("run").disabled = running || state.n_photos === 0;
  byId("cancel").hidden = !running;
  byId("progress-box").hidden = !running;
  byId("undo").disabled = decisions.length === 0;
  byId("undo").hidden = !audit && decisions.length === 0;
  byId("changed").hidden = !changed || running;
  byId("none").hidden = Boolean(audit) || running;
  byId("what").hidden = Boolean(audit);
  byId("with-test").hidden = byId("with-test-words").hidden = sets.length === 0;
  if (!audit) return;
  const loud = audit.findings.filter((/** @type {any} */ one) => ["issue", "hint"].includes(one.outcome));
  const weight = (/** @type {any} */ one) => ["issue", "hint"].indexOf(one.outcome) * 3
    + ["high", "medium", "low"].indexOf(one.severity);
  loud.sort((/** @type {any} */ a, /** @type {any} */ b) => weight(a) - weight(b));
  const quiet = audit.findings.filter((/** @type {any} */ one) => !loud.includes(one));
  drawSummary(audit.findings);
  drawTable(audit);
  byId("jumps").hidden = loud.length === 0;
  byId("jump-list").replaceChildren(...loud.map((/** @type {any} */ one) => el("li", null,
    el("a", { class: one.outcome === "hint" ? "badge warn" : "badge bad", href: `#${one.code}` }, t(`audit.check.${one.code}`)))));
  byId("findings").replaceChildren(...loud.map(finding));
  byId("quiet-findings").hidden = quiet.length === 0;
  byId("quiet-list").replaceChildren(...quiet.map((/** @type {any} */ one) => el("li", null,
    el("strong", null, t(`audit.check.${one.code}`)), " ", el("span", { class: one.outcome === "passed" ? "badge good" : "badge" },
      t(`audit.outcome.${one.outcome.replace(" ", "_")}`)),
    el("div", { class: "small soft", lang: spokenIn(one.sentence) }, one.sentence))));
}

/** @param {any[]} findings */
function drawSummary(findings) {
  const count = (/** @type {string} */ outcome) => findings.filter((one) => one.outcome === outcome).length;
  byId("summary").replaceChildren(
    el("span", { class: "badge bad" }, t("audit.n_issues", { n: count("issue") })),
    el("span", { class: "badge warn" }, t("audit.n_hints", { n: count("hint") })),
    el("span", { class: "badge good" }, t("audit.n_passed", { n: count("passed") })),
    el("span", { class: "badge" }, t("audit.n_decisions", { n: state.decisions.length })));
}

/** A column of the table in the page's language. @param {string} column */
const groupInWords = (column) => (column === NO_GROUPS ? t("audit.all_photos")
  : column.split(" ").map((word) => (word === UNKNOWN ? t("audit.unknown") : word)).join(" "));

/** @param {any} audit */
function drawTable({ table, collect_next: next }) {
  byId("table-card").hidden = !table;
  if (!table) return;
  const known = (/** @type {number} */ j) => !table.columns[j].split(" ").includes(UNKNOWN);
  const most = Math.max(...table.counts.map((/** @type {number[]} */ row) => row.filter((_, j) => known(j))).flat(), 0);
  const sum = (/** @type {number[]} */ row) => row.reduce((a, b) => a + b, 0);
  const kind = (/** @type {number} */ n, /** @type {number} */ j) => (!known(j) ? null : n === 0 ? "empty" : n < most / 2 ? "few" : null);
  byId("table").replaceChildren(el("table", { class: "cells" },
    el("caption", { class: "small" }, t("audit.table_note")),
    el("thead", null, el("tr", null, el("td", null), ...table.columns.map((/** @type {any} */ one) =>
      el("th", { scope: "col" }, groupInWords(one))), el("th", { scope: "col", class: "total" }, t("audit.total")))),
    el("tbody", null, ...table.rows.map((/** @type {any} */ label, /** @type {number} */ i) => el("tr", null,
      el("th", { scope: "row" }, label),
      ...table.counts[i].map((/** @type {number} */ n, /** @type {number} */ j) => el("td", { class: kind(n, j) }, number(n))),
      el("td", { class: "total" }, number(sum(table.counts[i]))))))));
  const wanted = next?.cells ?? [];
  byId("collect-next").replaceChildren(...(wanted.length ? [
    el("h3", null, t("audit.collect_next")),
    more(wanted, FIRST_WISHES, (/** @type {any[]} */ some) => el("ul", { class: "quiet-list small" }, ...some.map((one) =>
      el("li", null, t("audit.wish", { n: number(one.add), what: `${one.label} · ${groupInWords(one.group)}`, has: number(one.has) })))))] : []));
}

/** @param {any} one */
function finding(one) {
  const level = one.outcome === "hint" ? "warn" : "bad";
  return el("section", { class: "card stack finding", id: one.code, "aria-labelledby": `${one.code}-title` },
    el("div", { class: "spread" },
      el("h2", { id: `${one.code}-title` }, t(`audit.check.${one.code}`), " ",
        el("span", { class: `badge ${level}` }, t(`audit.outcome.${one.outcome}`))),
      el("span", { class: "code" }, `${one.code} · ${t(`audit.severity.${one.severity}`)}`)),
    el("p", { lang: spokenIn(one.sentence) }, one.sentence),
    evidence(one));
}

/** @param {any} one */
function evidence(one) {
  const doubts = doubtsOf(one);
  if (doubts.length) return queue(one, doubts);
  if (one.pairs.length) {
    return more(one.pairs, FIRST_PAIRS, (/** @type {any[]} */ some) => el("ul", { class: "pairs" }, ...some.map((pair) => pairCard(one, pair))));
  }
  const here = one.photos.filter((/** @type {string} */ name) => !one.gone.includes(name));
  if (here.length) return more(here, FIRST_PHOTOS, (/** @type {string[]} */ some) => gallery(some.map((name) => ({
    small: small(name), large: large(name), name, words: [labelOf(name), " ", photoActions(one, name)] }))));
  return one.test_photos.length ? el("p", { class: "small soft" }, one.test_photos.slice(0, 8).join(", ")) : "";
}

/** The first of many, and a button for the rest. @param {any[]} all @param {number} first @param {(some: any[]) => Node} show */
function more(all, first, show) {
  const box = el("div", { class: "stack" }, show(all.slice(0, first)));
  if (all.length > first) {
    box.append(el("button", { type: "button", onclick: () => box.replaceChildren(show(all)) },
      t("audit.show_all", { n: number(all.length) })));
  }
  return box;
}

/** @param {any} one @param {string} name */
function photoActions(one, name) {
  if (decided(one.keys[name])) return el("span", { class: "badge good" }, t("audit.kept"));
  return el("span", { class: "row photo-actions" },
    el("button", { type: "button", class: "quiet", onclick: () => decide({ code: one.code, photos: [name], choice: "keep" }) }, t("audit.keep")),
    el("button", { type: "button", class: "quiet", onclick: () => decide({ code: one.code, photos: [name], choice: "drop", photo: name }) }, t("audit.drop")));
}

/** @param {any} one @param {any} pair */
function pairCard(one, pair) {
  const photos = [pair.first, pair.second];
  const sides = [pair.first_in, pair.second_in];
  const decision = decided(pair.key);
  const settled = Boolean(decision) || pair.gone;
  const figure = (/** @type {string} */ name, /** @type {string} */ side) => el("figure", null,
    side === "test" || pair.gone
      ? el("div", { class: "sealed" }, side === "test" ? t("audit.sealed_photo") : t("audit.gone"))
      : el("button", { type: "button", class: "picture", "aria-label": t("figures.open", { name }),
        onclick: () => openLarge({ large: large(name), name }) }, el("img", { src: small(name), alt: "", loading: "lazy" })),
    el("figcaption", null, el("strong", null, labelOf(name)), " ", name.split("/").slice(1).join("/")));
  const drop = (/** @type {number} */ k, /** @type {string} */ words) => sides[k] === "train" &&
    el("button", { type: "button", onclick: () => decide({ code: one.code, photos, choice: "drop", photo: photos[k] }) }, words);
  return el("li", { class: settled ? "pair settled" : "pair" },
    el("div", { class: "two" }, figure(photos[0], sides[0]), figure(photos[1], sides[1])),
    el("p", { class: "small soft", lang: spokenIn(pair.how), style: { margin: "0" } }, pair.how),
    settled ? el("span", { class: "badge good" }, t(decision?.choice === "keep" ? "audit.kept_both" : "audit.settled"))
      : el("div", { class: "row" },
        drop(1, t(sides[0] === "test" ? "audit.keep_test" : "audit.keep_left")),
        drop(0, t(sides[1] === "test" ? "audit.keep_test" : "audit.keep_right")),
        el("button", { type: "button", class: "quiet",
          onclick: () => decide({ code: one.code, photos, choice: "keep" }) }, t("audit.keep_both"))));
}

/** The doubtful labels of a finding: photo, what is thought instead, and its neighbours. @param {any} one */
function doubtsOf(one) {
  const near = state.audit.neighbours ?? {};
  return (one.details?.ranked ?? []).filter((/** @type {any} */ doubt) => doubt.photo in one.keys)
    .map((/** @type {any} */ doubt) => ({
      photo: doubt.photo, label: doubt.label, other: doubt.thinks, sure: doubt.prob_thinks,
      near: near[doubt.photo] ?? [], key: one.keys[doubt.photo], gone: one.gone.includes(doubt.photo) }));
}

/** @param {any} one @param {any[]} doubts */
function queue(one, doubts) {
  const open = doubts.filter((doubt) => !doubt.gone && !decided(doubt.key));
  if (!open.length) return el("p", { class: "note good" }, t("audit.queue_done", { n: doubts.length }));
  place = Math.min(place, open.length - 1);
  const doubt = open[place];
  const choose = (/** @type {string} */ choice) => decide({ code: one.code, photos: [doubt.photo], choice, photo: doubt.photo, label: choice === "move" ? doubt.other : null });
  const step = (/** @type {number} */ by) => { place = (place + by + open.length) % open.length; draw(); byId("queue").focus(); };
  const keys = /** @type {Record<string, () => void>} */ ({ k: () => choose("keep"), m: () => choose("move"), d: () => choose("drop"),
    arrowright: () => step(1), arrowleft: () => step(-1) });
  const decideButton = (/** @type {string} */ choice, /** @type {string} */ key) =>
    el("button", { type: "button", class: choice === "move" ? "main" : null, onclick: () => choose(choice) },
      t(`audit.${choice}_label`, { label: choice === "move" ? doubt.other : doubt.label }), el("kbd", { "aria-hidden": "true" }, key));
  return el("div", { class: "queue", id: "queue", tabindex: "-1", role: "group", "aria-label": t("audit.queue"),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const act = keys[event.key.toLowerCase()];
      if (act && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); act(); }
    } },
    el("img", { class: "photo-large", src: large(doubt.photo), alt: doubt.photo }),
    el("div", { class: "stack tight" },
      el("p", { class: "small soft number" }, t("audit.queue_place", { k: place + 1, n: open.length, name: doubt.photo })),
      el("dl", { class: "answers" }, el("dt", null, t("audit.label")), el("dd", null, doubt.label),
        el("dt", null, t("audit.model_thinks")), el("dd", null, doubt.other, doubt.sure === null ? "" : ` (${percent(doubt.sure)})`)),
      doubt.near.length > 0 && el("p", { class: "small soft" }, t("audit.neighbours")),
      doubt.near.length > 0 && el("ul", { class: "near" }, ...doubt.near.map((/** @type {string} */ near) => {
        return el("li", null, el("img", { src: small(near), alt: "" }), labelOf(near));
      })),
      el("div", { class: "row decide" }, decideButton("keep", "K"), decideButton("move", "M"), decideButton("drop", "D")),
      el("div", { class: "row" },
        el("button", { type: "button", class: "quiet", onclick: () => step(-1) }, t("common.previous")),
        el("button", { type: "button", class: "quiet", onclick: () => step(1) }, t("common.next")))));
}

/** @param {any} body */
async function decide(body) {
  const inQueue = document.activeElement?.closest("#queue");
  try {
    await api("/api/audit/decide", { json: body });
    toast(t(`audit.done_${body.choice}`, { label: body.label ?? "" }), { action: t("common.undo"), onAction: undo });
  } catch (error) { tell(error); }
  await load();
  if (inQueue) document.getElementById("queue")?.focus();
}

async function undo() {
  try {
    const { undone } = await api("/api/audit/undo", { method: "POST" });
    if (undone) toast(t("audit.undone"));
  } catch (error) { tell(error); }
  await load();
}

const audits = new Follower(async (job) => {
  if (job.state === "failed") toast(t("audit.failed", { message: whyNot(job, t("error.ours")) }), { bad: true });
  else if (job.state !== "done") toast(t(`audit.${job.state}`), { bad: job.state === "lost" });
  place = 0;
  await load();
});

/** Somebody else decided, moved photos or began an audit. */
async function renew() {
  const inQueue = document.activeElement?.closest("#queue");
  await load();
  if (inQueue) document.getElementById("queue")?.focus();
  if (state.job?.state === "running") audits.follow(state.job.id);
}

const guarded = (/** @type {() => Promise<void>} */ work) => () => { work().catch(tell); };
byId("run").onclick = guarded(async () => {
  const set = byId("with-test").checked ? state.sets[0].id : null;
  const job = await api("/api/audit/run", { json: { set } });
  state.job = job; // not awaited into: `state` may be another by now
  draw();
  audits.follow(job.id);
});
byId("cancel").onclick = guarded(async () => { await api(`/api/jobs/${state.job.id}/cancel`, { method: "POST" }); });
byId("undo").onclick = guarded(undo);
byId("retrain").onclick = guarded(async () => { await api("/api/train", { json: { again: true } }); location.assign("/"); });
load().then(() => { if (state.job?.state === "running") audits.follow(state.job.id); }).catch(tell);
onPulse(["photos", "decisions", "jobs"], () => (audits.busy ? undefined : state.pulse), renew);

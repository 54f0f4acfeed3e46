// First run: an empty project offers three ways in.
// @ts-check

import { api, byId, number, t, tell } from "./mien.js";
import { acceptDrops, inWords, recordFor, undo } from "./collect.js";
import { change, listen, look, now } from "./state.js";
import { choose, send } from "./upload.js";

const PER_CLASS = 30;
const POLL_MS = 300;

let drawing = false;

/** Begin: show this page while there is neither class nor photo. */
export function beginStart() {
  byId("start-camera").addEventListener("click", startCamera);
  byId("start-folder").addEventListener("click", async () => send(await choose({ folder: true }), null));
  byId("start-zip").addEventListener("click", async () => send(await choose({ accept: ".zip,.tm" }), null));
  byId("start-sample").addEventListener("click", drawSample);
  byId("start-undo").addEventListener("click", undo);
  acceptDrops(byId("start"), () => null);
  listen((state) => {
    // Half a sample is no project yet.
    const empty = state.classes.length === 0 || drawing;
    byId("start").hidden = !empty;
    byId("board").hidden = empty;
    // Whoever deleted the last class looks for the way back here.
    byId("start-undo").hidden = !state.undo;
    if (state.undo) byId("start-undo").textContent = t("undo.tip", { what: inWords(state.undo) });
  });
}

async function startCamera() {
  for (const key of ["start.first_class", "start.second_class"]) {
    if (!now()?.classes.some((one) => one.label === t(key))) await change("/api/classes", { label: t(key) });
  }
  recordFor(t("start.first_class"));
}

async function drawSample() {
  const button = byId("start-sample");
  button.disabled = true;
  drawing = true;
  try {
    let { id } = await api("/api/sample", { json: { n_per_class: PER_CLASS } });
    let offset = 0;
    for (let state = "running"; state === "running";) {
      await new Promise((go) => setTimeout(go, POLL_MS));
      const answer = await api(`/api/jobs/${id}?offset=${offset}`);
      ({ offset, job: { state } } = answer);
      const last = answer.events.at(-1);
      if (last?.total) button.textContent = t("start.drawing", { done: number(last.done), total: number(last.total) });
    }
  } catch (error) {
    tell(error);
  } finally {
    button.disabled = false;
    drawing = false;
    button.textContent = t("start.sample");
    await look({ again: true }).catch(() => {});
  }
}

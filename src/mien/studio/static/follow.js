// Follow a job that works in a process of its own until it ends, whoever began it.
// Law: one job at a time is followed, and its end is told once, however many asked for it.
// @ts-check

import { api, byId, every, stageInWords } from "./mien.js";

const ASK_MS = 400;

export class Follower {
  /** @param {(job: any) => unknown} ended told the job once it is over */
  constructor(ended) {
    this.ended = ended;
    this.busy = false;
  }

  /** Show how far it is in the page's progress bar, and in words where it has room for them. @param {string} id */
  follow(id) {
    if (this.busy) return;
    this.busy = true;
    let offset = 0;
    const stop = every(ASK_MS, async () => {
      const answer = await api(`/api/jobs/${id}?offset=${offset}`);
      offset = answer.offset;
      const last = answer.events.filter((/** @type {any} */ event) => event.total).at(-1);
      if (last) show(last);
      if (answer.job.state === "running") return;
      stop();
      this.busy = false;
      await this.ended(answer.job);
    });
  }
}

/** @param {any} event */
function show(event) {
  const bar = byId("progress");
  bar.max = event.total;
  bar.value = event.done;
  const words = document.getElementById("progress-words");
  if (words) words.textContent = stageInWords(event);
}

/** What went wrong with a job, in its own words where it has any. @param {any} job @param {string} otherwise */
export const whyNot = (job, otherwise) =>
  [job.error?.message, job.error?.hint].filter(Boolean).join(" · ") || otherwise;

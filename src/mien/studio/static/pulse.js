// Whoever changes the project, another tab or the command line: a page hears of it.
// @ts-check

import { api, every } from "./mien.js";

const ASK_MS = 1500;

/**
 * Call when one of the topics changed since the page last knew; not at the start.
 * @param {("photos" | "decisions" | "exams" | "jobs" | "runs")[]} topics
 * @param {() => Promise<unknown>} changed
 */
export function onPulse(topics, changed) {
  /** @type {string | null} */
  let known = null;
  every(ASK_MS, async () => {
    const pulse = await api("/api/pulse");
    const now = topics.map((topic) => pulse[topic]).join();
    if (known !== null && known !== now) await changed();
    known = now;
  });
}

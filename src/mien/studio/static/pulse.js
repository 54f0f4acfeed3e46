// Whoever changes the project, another tab or the command line: a page hears of it.
// @ts-check

import { api, every } from "./mien.js";

const ASK_MS = 1500;

/**
 * Call when one of the topics changed since what the page shows was read.
 * @param {("photos" | "decisions" | "exams" | "jobs" | "runs")[]} topics
 * @param {() => Record<string, string> | undefined} shown the pulse of what the page shows; none
 *   while it is not to be disturbed
 * @param {() => Promise<unknown>} changed
 */
export function onPulse(topics, shown, changed) {
  every(ASK_MS, async () => {
    if (!shown()) return;
    const pulse = await api("/api/pulse");
    const known = shown();
    if (known && topics.some((topic) => pulse[topic] !== known[topic])) await changed();
  });
}

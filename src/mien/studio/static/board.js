// The board: wires collecting, training and trying together.
// @ts-check

import { beginCollect } from "./collect.js";
import { beginStart } from "./start.js";
import { begin, listen } from "./state.js";
import { beginTrain } from "./train.js";
import { refresh } from "./try.js";

beginCollect();
beginStart();
beginTrain(() => { refresh(); });
// A model that another tab or the command line trained is there to be tried at once.
let runs = "";
listen((state) => {
  if (runs && runs !== state.runs) refresh().catch(() => {});
  runs = state.runs;
});
begin();

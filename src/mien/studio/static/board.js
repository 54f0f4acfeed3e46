// The board: wires collecting, training and trying together.
// @ts-check

import { beginCollect } from "./collect.js";
import { beginStart } from "./start.js";
import { begin } from "./state.js";
import { beginTrain } from "./train.js";
import { refresh } from "./try.js";

beginCollect();
beginStart();
beginTrain(() => { refresh(); });
begin();

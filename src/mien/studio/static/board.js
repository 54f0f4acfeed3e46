import "./collect.js";

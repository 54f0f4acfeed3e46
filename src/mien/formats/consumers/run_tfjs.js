// Opens model.json with TensorFlow.js in Node and answers images:
//   NODE_PATH=…/node_modules node run_tfjs.js MODEL_FOLDER IMAGES.bin SIDE OUT.json
// IMAGES.bin holds float32 images, one after the other. Knows nothing of mien.
"use strict";
const fs = require("fs");
const path = require("path");

async function main(folder, images, side, out) {
  console.warn = () => {}; // TensorFlow.js advises to install native bindings
  const tf = require("@tensorflow/tfjs");
  const described = JSON.parse(fs.readFileSync(path.join(folder, "model.json"), "utf8"));
  const parts = described.weightsManifest.flatMap((group) => group.paths);
  const data = Buffer.concat(parts.map((name) => fs.readFileSync(path.join(folder, name))));
  const model = await tf.loadLayersModel({
    load: async () => ({
      modelTopology: described.modelTopology,
      weightSpecs: described.weightsManifest.flatMap((group) => group.weights),
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
    }),
  });
  const bytes = fs.readFileSync(images);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const length = side * side * 3;
  const probs = [];
  const began = Date.now();
  for (let at = 0; at < values.length; at += length) {
    const image = tf.tensor4d(values.slice(at, at + length), [1, side, side, 3]);
    const answer = model.predict(image);
    probs.push(Array.from(await answer.data()));
    image.dispose();
    answer.dispose();
  }
  const ms = (Date.now() - began) / probs.length;
  fs.writeFileSync(out, JSON.stringify({ probs, version: tf.version.tfjs, ms }));
}

const [folder, images, side, out] = process.argv.slice(2);
main(folder, images, Number(side), out).catch((error) => {
  console.error(String(error.stack || error));
  process.exit(1);
});

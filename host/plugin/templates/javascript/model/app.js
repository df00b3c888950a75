// The plug-in `{{name}}`: glue between the host's interface and `algorithm.js`.

import { progress } from 'fedhost:plugin/host@0.1.0';

import { Normal, mean } from './algorithm.js';
import * as conversion from './conversion.js';

const LEARNING_RATE = {
  name: 'learning_rate',
  summary: "share of the way to the rows' means that an epoch goes",
  default: { tag: 'number', val: 0.5 },
  minimum: 1e-3,
  maximum: 1,
  choices: [],
};

export const metadata = {
  describe: () => ({
    name: '{{name}}',
    version: '0.1.0',
    summary: "Mean distance of a row's values from their normal ones.",
    parameters: [LEARNING_RATE],
  }),
};

/** What trainer and detector have in common. */
class Model {
  constructor(columns, parameters) {
    this.columns = columns.length;
    this.normal = new Normal(columns.length, conversion.read(parameters, LEARNING_RATE));
  }

  save() {
    return conversion.weights(this.normal.save());
  }

  load(model) {
    this.normal.load(conversion.tensors(model, { centre: this.columns, spread: this.columns }));
  }
}

class Trainer extends Model {
  static open(columns, parameters, _seed) {
    return new Trainer(columns, parameters);
  }

  /** Learns from the rows that are not labelled anomalous; without labels, from all. */
  train(input, epochs) {
    const rows = conversion.rows(input, this.columns).filter((_, row) => !(input.labels?.[row] >= 0.5));
    let loss = 0;
    for (let epoch = 1; epoch <= epochs; epoch += 1) {
      this.normal.learn(rows);
      loss = mean(rows.map((row) => this.normal.score(row)), 0);
      if (progress(epoch, epochs, [{ name: 'loss', value: loss }]) === 'stop') break;
    }
    return { samples: BigInt(rows.length), loss, metrics: [] };
  }
}

class Detector extends Model {
  static open(columns, parameters, _seed) {
    return new Detector(columns, parameters);
  }

  score(input) {
    return Float32Array.from(conversion.rows(input, this.columns), (row) => this.normal.score(row));
  }
}

export const training = { Trainer };
export const detection = { Detector };

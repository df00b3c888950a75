// The plug-in `{{name}}`: glue between the host's interface and `algorithm.js`.

import { Surprise } from './algorithm.js';
import * as conversion from './conversion.js';

const MEMORY_ROWS = {
  name: 'memory_rows',
  summary: 'rows after which older ones fade',
  default: { tag: 'number', val: 200 },
  minimum: 2,
  maximum: 1e6,
  choices: [],
};

export const metadata = {
  describe: () => ({
    name: '{{name}}',
    version: '0.1.0',
    summary: "Largest distance of a value from its column's recent mean.",
    parameters: [MEMORY_ROWS],
  }),
};

/** Scores one source's rows, in order. */
class Detector {
  constructor(columns, memoryRows) {
    this.columns = columns;
    this.surprise = new Surprise(columns, memoryRows);
  }

  static open(columns, parameters, _seed) {
    return new Detector(columns.length, conversion.read(parameters, MEMORY_ROWS));
  }

  load(model) {
    const { columns } = this;
    this.surprise.load(conversion.tensors(model, { rows: columns, mean: columns, variance: columns }));
  }

  save() {
    return conversion.weights(this.surprise.save());
  }

  score(input) {
    return Float32Array.from(conversion.rows(input, this.columns), (row) => this.surprise.score(row));
  }
}

export const detection = { Detector };

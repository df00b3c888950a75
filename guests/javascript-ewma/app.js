// The plug-in `javascript-ewma`: glue between the host's interface and `algorithm.js`.

import { Chart } from './algorithm.js';
import * as conversion from './conversion.js';

const SMOOTHING = {
  name: 'smoothing',
  summary: 'weight of the present row; 1 smooths nothing',
  default: { tag: 'number', val: 0.2 },
  minimum: 0.01,
  maximum: 1,
  choices: [],
};
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
    name: 'javascript-ewma',
    version: '0.1.0',
    summary: "EWMA control charts: how far smoothed values lie from their columns' recent means.",
    parameters: [SMOOTHING, MEMORY_ROWS],
  }),
};

/** Scores one source's rows, in order. */
class Detector {
  constructor(columns, smoothing, memoryRows) {
    this.columns = columns;
    this.chart = new Chart(columns, smoothing, memoryRows);
  }

  static open(columns, parameters, _seed) {
    const [smoothing, memoryRows] = [SMOOTHING, MEMORY_ROWS].map((spec) => conversion.read(parameters, spec));
    return new Detector(columns.length, smoothing, memoryRows);
  }

  load(model) {
    const lengths = Object.keys(this.chart.save()).map((name) => [name, this.columns]);
    this.chart.load(conversion.tensors(model, Object.fromEntries(lengths)));
  }

  save() {
    return conversion.weights(this.chart.save());
  }

  score(input) {
    return Float32Array.from(conversion.rows(input, this.columns), (row) => this.chart.score(row));
  }
}

export const detection = { Detector };

// The plug-in `{{name}}`: glue between the host's interface and `algorithm.js`.

import { Changes } from './algorithm.js';
import * as conversion from './conversion.js';

const KEEP = {
  name: 'keep',
  summary: 'whether the columns themselves come out, too',
  default: { tag: 'boolean', val: true },
  minimum: undefined,
  maximum: undefined,
  choices: [],
};

export const metadata = {
  describe: () => ({
    name: '{{name}}',
    version: '0.1.0',
    summary: 'Beside every column, how much it has changed since the row before.',
    parameters: [KEEP],
  }),
};

/** Sees one source's rows, in order. */
class Preprocessor {
  constructor(columns, keep) {
    Object.assign(this, { columns, keep, changes: new Changes(columns.length) });
  }

  static open(columns, parameters) {
    return new Preprocessor(columns, conversion.read(parameters, KEEP));
  }

  outputColumns() {
    const kept = this.keep ? this.columns : [];
    return [...kept, ...this.columns.map((name) => `${name}_change`)];
  }

  fit(input) {
    this.transform(input);
  }

  transform(input) {
    const rows = conversion.rows(input, this.columns.length).map((row) => this.changes.step(row));
    const out = rows.flatMap(({ values, changes }) => (this.keep ? [...values, ...changes] : changes));
    return { ...input, values: Float32Array.from(out) };
  }

  save() {
    return conversion.weights(this.changes.save());
  }

  restore(state) {
    const length = this.columns.length;
    this.changes.load(conversion.tensors(state, { known: length, last: length }));
  }
}

export const preprocessing = { Preprocessor };

// How far a row lies from the rows before it. Nothing of the host's is used here, so tests run anywhere.

const LARGEST = 3.4028234663852886e38;

/** As a 32-bit float: what is saved is what is computed with, so a restored state continues exactly. */
const single = (value) => Math.fround(Math.max(-LARGEST, Math.min(LARGEST, value)));

/** Each column's mean and variance, in which older rows fade. */
export class Surprise {
  constructor(columns, memoryRows) {
    this.memoryRows = memoryRows;
    [this.rows, this.mean, this.variance] = [0, 0, 0].map((zero) => Array(columns).fill(zero));
  }

  /** The largest distance of a value from its column's mean, in standard deviations; then learns from the row. */
  score(row) {
    const known = Array.from(row.entries()).filter(([, value]) => Number.isFinite(value));
    const score = Math.max(0, ...known.map(([column, value]) => this.#distance(column, value)));
    known.forEach(([column, value]) => this.#learn(column, value));
    return score;
  }

  #distance(column, value) {
    if (this.variance[column] <= 0) return 0;
    return Math.min(Math.abs(value - this.mean[column]) / Math.sqrt(this.variance[column]), 1e6);
  }

  #learn(column, value) {
    this.rows[column] = single(Math.min(this.rows[column] + 1, this.memoryRows));
    const share = 1 / this.rows[column];
    const away = value - this.mean[column];
    this.mean[column] = single(this.mean[column] + share * away);
    this.variance[column] = single((1 - share) * (this.variance[column] + share * away * away));
  }

  /** All that later scores depend on. */
  save() {
    return { rows: this.rows, mean: this.mean, variance: this.variance };
  }

  /** Takes over what `save` gave. */
  load({ rows, mean, variance }) {
    Object.assign(this, { rows, mean, variance });
  }
}

// An EWMA control chart for every column. Nothing of the host's is used here, so tests run anywhere.

const LARGEST = 3.4028234663852886e38;

/** As a 32-bit float: what is saved is what is computed with, so a restored state continues exactly. */
const single = (value) => Math.fround(Math.max(-LARGEST, Math.min(LARGEST, value)));

/** Each column's smoothed value, and its mean and variance, in which older rows fade. */
export class Chart {
  constructor(columns, smoothing, memoryRows) {
    this.smoothing = smoothing;
    this.memoryRows = memoryRows;
    [this.rows, this.mean, this.variance, this.smoothed] = [0, 0, 0, 0].map((zero) => Array(columns).fill(zero));
  }

  /** The largest distance of a smoothed value from its column's mean, in its standard deviations; then learns. */
  score(row) {
    const known = Array.from(row.entries()).filter(([, value]) => Number.isFinite(value));
    const score = Math.max(0, ...known.map(([column, value]) => this.#distance(column, value)));
    known.forEach(([column, value]) => this.#learn(column, value));
    return score;
  }

  #distance(column, value) {
    this.smoothed[column] = this.#smooth(column, value);
    // A mean of so many independent rows varies by this share of their variance.
    const variance = this.variance[column] * (this.smoothing / (2 - this.smoothing));
    if (variance <= 0) return 0;
    return Math.min(Math.abs(this.smoothed[column] - this.mean[column]) / Math.sqrt(variance), 1e6);
  }

  #smooth(column, value) {
    if (this.rows[column] === 0) return value;
    return single(this.smoothing * value + (1 - this.smoothing) * this.smoothed[column]);
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
    const { rows, mean, variance, smoothed } = this;
    return { rows, mean, variance, smoothed };
  }

  /** Takes over what `save` gave. */
  load({ rows, mean, variance, smoothed }) {
    Object.assign(this, { rows, mean, variance, smoothed });
  }
}

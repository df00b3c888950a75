// How much each column changes from row to row. Nothing of the host's is used here, so tests run anywhere.

const LARGEST = 3.4028234663852886e38;

/** One source's last values. */
export class Changes {
  constructor(columns) {
    [this.known, this.last] = [0, 0].map((zero) => Array(columns).fill(zero));
  }

  /** The row as it counts, and its changes; a missing value counts as the one before it. */
  step(row) {
    const values = Array.from(row, (value, column) => (Number.isFinite(value) ? value : this.last[column]));
    const change = (value, column) => (this.known[column] ? value - this.last[column] : 0);
    const changes = values.map((value, column) => Math.max(-LARGEST, Math.min(LARGEST, change(value, column))));
    this.known.fill(1);
    this.last = values;
    return { values, changes };
  }

  /** All that later rows depend on. */
  save() {
    return { known: this.known, last: this.last };
  }

  /** Takes over what `save` gave. */
  load({ known, last }) {
    Object.assign(this, { known, last });
  }
}

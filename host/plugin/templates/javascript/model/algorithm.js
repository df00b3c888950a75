// How far a row lies from what is normal. Nothing of the host's is used here, so tests run anywhere.

const LARGEST = 3.4028234663852886e38;

/** As a 32-bit float: what is saved is what is computed with, so a loaded model continues exactly. */
const single = (value) => Math.fround(Math.max(-LARGEST, Math.min(LARGEST, value)));

/** The mean, or `otherwise` when there are no values. */
export function mean(values, otherwise) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : otherwise;
}

/** Where each column's normal values lie, and how far they usually are from there. A mean of several is one, too. */
export class Normal {
  constructor(columns, rate) {
    this.rate = rate;
    [this.centre, this.spread] = [0, 1].map((start) => Array(columns).fill(start));
  }

  /** Moves every column towards the rows' mean and mean distance. */
  learn(rows) {
    this.centre.forEach((before, column) => {
      const values = rows.map((row) => row[column]).filter(Number.isFinite);
      const centre = this.#towards(before, mean(values, before));
      const away = mean(values.map((value) => Math.abs(value - centre)), this.spread[column]);
      this.centre[column] = centre;
      this.spread[column] = this.#towards(this.spread[column], away);
    });
  }

  #towards(start, end) {
    return single(start + this.rate * (end - start));
  }

  /** Mean distance of the values from their centres, in spreads; a missing value does not count. */
  score(row) {
    const known = Array.from(row.entries()).filter(([, value]) => Number.isFinite(value));
    const distance = ([c, value]) => Math.min(Math.abs(value - this.centre[c]) / Math.max(this.spread[c], 1e-6), 1e6);
    return mean(known.map(distance), 0);
  }

  /** The model. */
  save() {
    return { centre: this.centre, spread: this.spread };
  }

  /** Takes over what `save` gave, or a mean of several such. */
  load({ centre, spread }) {
    Object.assign(this, { centre, spread });
  }
}

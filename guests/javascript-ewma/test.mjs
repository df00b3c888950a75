import assert from 'node:assert';
import { test } from 'node:test';

import { Chart } from './algorithm.js';

/** From -0.5 to 0.5, without a rhythm. */
const noise = (row) => (Math.abs(Math.sin(row * 12.9898) * 43758.5453) % 1) - 0.5;
const run = (chart, values) => values.map((value) => chart.score([value]));

test('a small shift that lasts stands out more and more', () => {
  const chart = new Chart(1, 0.2, 200);
  run(chart, Array.from({ length: 200 }, (_, row) => noise(row)));
  const shifted = run(chart, Array.from({ length: 15 }, (_, row) => 0.6 + noise(row + 200)));
  assert.ok(shifted[14] > 2 * shifted[0] && shifted[14] > 3, `${shifted}`);
});

test('a missing value says nothing and is not learnt', () => {
  const chart = new Chart(1, 0.2, 200);
  run(chart, [1, 2, 3]);
  const before = structuredClone(chart.save());
  assert.equal(chart.score([NaN]), 0);
  assert.deepEqual(chart.save(), before);
});

test('a restored chart goes on exactly', () => {
  const values = Array.from({ length: 50 }, (_, row) => row * 0.1 + noise(row));
  const [first, second] = [new Chart(1, 0.2, 20), new Chart(1, 0.2, 20)];
  run(first, values);
  second.load(structuredClone(first.save()));
  assert.deepEqual(run(first, values), run(second, values));
});

import assert from 'node:assert';
import { test } from 'node:test';

import { Normal } from './algorithm.js';

test('after training a row unlike the normal ones stands out', () => {
  const normal = new Normal(1, 0.5);
  for (let epoch = 0; epoch < 20; epoch += 1) normal.learn([[1], [1.2], [0.8], [1], [NaN]]);
  assert.ok(normal.score([9]) > 10 * normal.score([1.1]));
});

test('a missing value does not count', () => {
  assert.equal(new Normal(1, 0.5).score([NaN]), 0);
});

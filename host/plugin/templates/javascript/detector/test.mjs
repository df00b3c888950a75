import assert from 'node:assert';
import { test } from 'node:test';

import { Surprise } from './algorithm.js';

test('a row unlike those before it stands out', () => {
  const surprise = new Surprise(1, 200);
  const scores = [1, 1.2, 0.8, 1, 1.1, 9].map((value) => surprise.score([value]));
  assert.ok(scores[5] > 10 * scores[4], `${scores}`);
});

test('a missing value says nothing and is not learnt', () => {
  const surprise = new Surprise(1, 200);
  surprise.score([1]);
  const before = structuredClone(surprise.save());
  assert.equal(surprise.score([NaN]), 0);
  assert.deepEqual(surprise.save(), before);
});

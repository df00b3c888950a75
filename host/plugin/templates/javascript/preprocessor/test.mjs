import assert from 'node:assert';
import { test } from 'node:test';

import { Changes } from './algorithm.js';

test('a change is since the row before, and a missing value is none', () => {
  const changes = new Changes(1);
  const steps = [5, 7, NaN, 6].map((value) => changes.step([value]));
  assert.deepEqual(steps.map(({ values }) => values[0]), [5, 7, 7, 6]);
  assert.deepEqual(steps.map((step) => step.changes[0]), [0, 2, 0, -1]);
});

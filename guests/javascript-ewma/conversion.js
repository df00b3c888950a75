// Values on their way between the host's interface and plain arrays.

/** The value of a parameter, or its default; the host has checked type and range. */
export function read(parameters, spec) {
  const given = parameters.find((one) => one.name === spec.name);
  return (given ?? { value: spec.default }).value.val;
}

/** From names to arrays of numbers. */
export function weights(tensors) {
  const specs = Object.entries(tensors).map(([name, values]) => ({ name, shape: [values.length] }));
  return { tensors: specs, data: Float32Array.from(Object.values(tensors).flatMap((values) => Array.from(values))) };
}

/** The arrays again; `expected` holds names and lengths. */
export function tensors(weights, expected) {
  const found = weights.tensors.map(({ name, shape }) => `${name}[${Array.from(shape)}]`).join();
  const wanted = Object.entries(expected).map(([name, length]) => `${name}[${length}]`).join();
  if (found !== wanted) {
    throw { tag: 'invalid-state', val: `expected tensors ${wanted}, found ${found}` };
  }
  let start = 0;
  const take = ([name, length]) => [name, Array.from(weights.data.subarray(start, (start += length)))];
  return Object.fromEntries(Object.entries(expected).map(take));
}

/** The rows of a batch, one array each. */
export function rows(batch, columns) {
  return Array.from({ length: batch.rows }, (_, row) => batch.values.subarray(row * columns, (row + 1) * columns));
}

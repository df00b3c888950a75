// Makes a component of a folder's app.js: node build.mjs TOOLS APP WIT WORLD OUT, all paths absolute.
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [tools, sourcePath, witPath, worldName, out] = process.argv.slice(2);
const module = `${tools}/node_modules/@bytecodealliance/componentize-js/src/componentize.js`;
const { componentize } = await import(pathToFileURL(module));
// Without them a component asks for nothing of WASI.
const disableFeatures = ['stdio', 'random', 'clocks', 'http', 'fetch-event'];
const { component } = await componentize({ sourcePath, witPath, worldName, disableFeatures });
await writeFile(out, component);

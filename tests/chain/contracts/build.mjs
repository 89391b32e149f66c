// Compiles tokens.sol into tokens.json; needed only when tokens.sol changes, and by no test.
// Usage: NODE_PATH is not read by modules, so give solc's directory: node build.mjs /path/to/node_modules/solc
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const solc = createRequire(import.meta.url)(process.argv[2] ?? "solc");
const input = {
  language: "Solidity",
  sources: { "tokens.sol": { content: readFileSync(join(here, "tokens.sol"), "utf8") } },
  settings: {
    evmVersion: "paris",
    metadata: { bytecodeHash: "none", appendCBOR: false },
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const error of output.errors ?? []) console.error(error.formattedMessage);
const contracts = output.contracts?.["tokens.sol"] ?? {};
const compiled = Object.entries(contracts).map(([name, made]) => [name, "0x" + made.evm.bytecode.object]);
const usable = compiled.filter(([, code]) => code !== "0x");
if (usable.length === 0) process.exit(1);
const named = { compiler: solc.version(), contracts: Object.fromEntries(usable.sort()) };
writeFileSync(join(here, "tokens.json"), JSON.stringify(named, null, 1) + "\n");

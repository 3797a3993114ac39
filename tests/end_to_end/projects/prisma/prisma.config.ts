// Prisma with the schema engine that it ships as WebAssembly, so that nothing is downloaded: on a
// machine with internet this file is not needed. It works round four defects of that set-up.
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { defineConfig } from "prisma/config";

// 1. The engine's guard against a held advisory lock keeps the process up for ten seconds.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = ((run: () => void, milliseconds: number, ...rest: unknown[]) => {
  const timer = setTimer(run, milliseconds, ...rest);
  return milliseconds >= 10_000 ? timer.unref() : timer;
}) as typeof setTimeout;

// 2. The adapter does not know PostgreSQL's "char", name and their arrays: they read as text.
const TEXT = 25;
const UNKNOWN_TO_THE_ADAPTER = new Set([18, 19, 1002, 1003]);
const addFields = pg.Result.prototype.addFields;
pg.Result.prototype.addFields = function (fields: { dataTypeID: number }[]) {
  for (const field of fields) {
    if (UNKNOWN_TO_THE_ADAPTER.has(field.dataTypeID)) field.dataTypeID = TEXT;
  }
  return addFields.call(this, fields);
};

class WholeScripts extends PrismaPg {
  async connect() {
    const adapter = await super.connect();
    // 3. The adapter would cut a migration at every semicolon, also inside a function's body.
    adapter.executeScript = async (script: string) => {
      await adapter.underlyingDriver().query(script).catch((error) => adapter.onError(error));
    };
    return adapter;
  }
}

export default defineConfig({
  schema: "prisma/schema.prisma",
  experimental: { adapter: true },
  engine: "js",
  // 4. Without allowExitOnIdle the pool's idle connection keeps the process up for ten seconds.
  adapter: async () =>
    new WholeScripts({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true }),
});

// Prisma with the schema engine that it ships as WebAssembly, so that nothing is downloaded: on a
// machine with internet this file is not needed. It works round five defects of that set-up.
import { PrismaPg } from "@prisma/adapter-pg";
import { ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import pg from "pg";
import { defineConfig } from "prisma/config";

// 1. The engine's guard against a held advisory lock keeps the process up for ten seconds.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = ((run: () => void, milliseconds: number, ...rest: unknown[]) => {
  const timer = setTimer(run, milliseconds, ...rest);
  return milliseconds >= 10_000 ? timer.unref() : timer;
}) as typeof setTimeout;

// 2. The adapter does not know PostgreSQL's "char", name and their arrays: they read as text, and
// the engine is told of a "char", which it insists on, by the column's name.
const TEXT = 25;
const CHAR = 18;
const UNKNOWN_TO_THE_ADAPTER = new Set([CHAR, 19, 1002, 1003]);
const charColumns = new Set<string>();
const addFields = pg.Result.prototype.addFields;
pg.Result.prototype.addFields = function (fields: { dataTypeID: number; name: string }[]) {
  for (const field of fields) {
    if (field.dataTypeID === CHAR) charColumns.add(field.name);
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
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      charColumns.clear();
      const answer = await queryRaw(query);
      const columnTypes = answer.columnTypes.map((type, at) =>
        charColumns.has(answer.columnNames[at]) ? ColumnTypeEnum.Character : type
      );
      return { ...answer, columnTypes };
    };
    return adapter;
  }

  // 5. The adapter knows no SHADOW_DATABASE_URL and makes a database instead. The engine of other
  // machines connects to the one it is given and resets it, with these two statements.
  async connectToShadowDb() {
    const connectionString = process.env.SHADOW_DATABASE_URL;
    if (!connectionString) return super.connectToShadowDb();
    const adapter = await new WholeScripts({ connectionString, allowExitOnIdle: true }).connect();
    await adapter.executeScript('DROP SCHEMA "public" CASCADE');
    await adapter.executeScript('CREATE SCHEMA "public"');
    return adapter;
  }
}

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { seed: "node prisma/seed.mjs" },
  experimental: { adapter: true },
  engine: "js",
  // 4. Without allowExitOnIdle the pool's idle connection keeps the process up for ten seconds.
  adapter: async () =>
    new WholeScripts({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true }),
});

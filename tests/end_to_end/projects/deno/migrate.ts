// Applies the SQL files of migrations/ in the order of their names, each once and in a transaction
// of its own. Needs no configuration: `pg` reads the PG* variables.
import pg from "pg";

const client = new pg.Client();
await client.connect();
await client.query("CREATE TABLE IF NOT EXISTS applied_migrations (name text PRIMARY KEY)");
const { rows } = await client.query("SELECT name FROM applied_migrations");
const applied = new Set(rows.map((row: { name: string }) => row.name));

const files = [...Deno.readDirSync("migrations")].map((file) => file.name).sort();
for (const name of files.filter((name) => !applied.has(name))) {
  console.log(`applying ${name}`);
  await client.query("BEGIN");
  await client.query(Deno.readTextFileSync(`migrations/${name}`));
  await client.query("INSERT INTO applied_migrations VALUES ($1)", [name]);
  await client.query("COMMIT");
}
await client.end();
console.log("the database is up to date");

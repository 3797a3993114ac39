// What `prisma db seed` runs.
import pg from "pg";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query(`INSERT INTO "users" ("name") VALUES ('Ada')`);
await client.end();

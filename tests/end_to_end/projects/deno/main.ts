// The application: it finds its database through the PG* variables alone.
import { Pool } from "npm:pg";

const pool = new Pool();

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.env.get("PORT")) }, async () => {
  const result = await pool.query("SELECT id, name FROM users ORDER BY id");

  return new Response(JSON.stringify(result.rows), {
    headers: { "content-type": "application/json" },
  });
});

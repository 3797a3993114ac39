// The database of DATABASE_URL, and the migrations beside this file.
module.exports = { client: "pg", connection: process.env.DATABASE_URL };

// A column of a table that does not exist.
exports.up = (knex) => knex.schema.alterTable("customers", (table) => table.text("email"));
exports.down = (knex) =>
  knex.schema.alterTable("customers", (table) => table.dropColumn("email"));

-- Up Migration
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id)
);
CREATE INDEX orders_user_id ON orders (user_id);
-- Down Migration
DROP TABLE orders;

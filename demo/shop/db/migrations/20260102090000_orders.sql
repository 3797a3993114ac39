-- migrate:up
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products,
    ordered_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE orders;

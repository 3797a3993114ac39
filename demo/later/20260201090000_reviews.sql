-- migrate:up
CREATE TABLE reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products,
    stars integer NOT NULL CHECK (stars BETWEEN 1 AND 5)
);

-- migrate:down
DROP TABLE reviews;

-- Orders and the people who place them.
CREATE SCHEMA shop;

-- A person.
CREATE TABLE IF NOT EXISTS shop.customers (
    id BIGINT PRIMARY KEY,
    name VARCHAR(80) NOT NULL,  -- as printed
    "größe" NUMERIC(10, 2) DEFAULT 0
);

CREATE UNIQUE INDEX customers_name ON shop.customers (name);

CREATE VIEW shop.big_customers AS
SELECT c.id, SUM(o.total) AS total
FROM shop.customers AS c
JOIN shop.orders AS o ON o.customer_id = c.id
GROUP BY c.id;

CREATE TYPE shop.state AS ENUM ('open', 'closed');

/* Sums the orders of a customer. */
CREATE OR REPLACE FUNCTION shop.total(customer BIGINT)
RETURNS NUMERIC AS $$
BEGIN
    RETURN (SELECT SUM(total) FROM shop.orders WHERE customer_id = customer);
END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER customers_touch
BEFORE UPDATE ON shop.customers
FOR EACH ROW EXECUTE FUNCTION touch();

ALTER TABLE shop.customers ADD COLUMN email TEXT;

INSERT INTO shop.customers (id, name) VALUES (1, 'Ada');

-- Orders that wait for another card after one was declined.

ALTER TABLE orders ADD COLUMN payment_attempts bigint NOT NULL DEFAULT 0;

ALTER TABLE orders ADD CONSTRAINT orders_payment_attempts_count CHECK (payment_attempts >= 0);

COMMENT ON COLUMN orders.payment_attempts IS
    'How many cards were declined while the order could wait for another one. Whatever tells of an earlier one comes too late.';

-- Shipping orders, the numbers of the events that tell of them, and lists over all orders.

ALTER TABLE orders ADD COLUMN events bigint NOT NULL DEFAULT 0;

ALTER TABLE orders ADD CONSTRAINT orders_events_count CHECK (events >= 0);

COMMENT ON COLUMN orders.events IS 'How many events tell of the order: the number of the latest one.';

-- What ended before there was a number has one event.
UPDATE orders SET events = 1 WHERE answer IS NOT NULL;

ALTER TABLE order_history ADD COLUMN event_sequence bigint;

ALTER TABLE order_history ADD CONSTRAINT order_history_event_once UNIQUE (order_id, event_sequence);

COMMENT ON COLUMN order_history.event_sequence IS
    'The number of the event that tells of the entry, if it is another one than the first event of the checkout.';

CREATE TABLE shipments (
    order_id        text        PRIMARY KEY REFERENCES orders (order_id),
    carrier         text,
    tracking_number text,
    shipped_at      timestamptz NOT NULL,
    delivered_at    timestamptz
);

COMMENT ON COLUMN shipments.tracking_number IS 'Under which number the carrier knows the parcel.';

CREATE INDEX orders_newest_of_status ON orders (status, created_at DESC, order_id DESC);

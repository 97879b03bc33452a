-- Orders, what was paid and given back for them, and what happened to them.

CREATE TABLE orders (
    order_id       text        PRIMARY KEY,
    caller         text        NOT NULL,
    email          text        NOT NULL,
    status         text        NOT NULL,
    currency       text        NOT NULL,
    total_amount   bigint      NOT NULL,
    fingerprint    text        NOT NULL,
    request_id     text        NOT NULL,
    answer         jsonb,
    failure_reason text,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    version        bigint      NOT NULL,
    CONSTRAINT orders_status_known CHECK (
        status IN ('PENDING', 'AWAITING_PAYMENT', 'PAYMENT_FAILED', 'CONFIRMED', 'CANCELLED', 'SHIPPED', 'DELIVERED')
    ),
    CONSTRAINT orders_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT orders_total_not_negative CHECK (total_amount >= 0),
    CONSTRAINT orders_version_counts CHECK (version >= 1),
    -- Whoever asks again about a decided order gets the answer of the first time.
    CONSTRAINT orders_decided_have_answer CHECK (
        answer IS NOT NULL OR status IN ('PENDING', 'AWAITING_PAYMENT', 'PAYMENT_FAILED')
    ),
    CONSTRAINT orders_cancelled_have_reason CHECK (status <> 'CANCELLED' OR failure_reason IS NOT NULL)
);

COMMENT ON COLUMN orders.version IS 'Counts the changes of the order, and is the sequence of its latest history entry.';

COMMENT ON COLUMN orders.answer IS 'What the caller of the checkout was told.';

CREATE INDEX orders_of_caller ON orders (caller, created_at DESC, order_id DESC);

CREATE INDEX orders_by_status ON orders (status, updated_at, order_id);

CREATE TABLE order_items (
    order_id   text    NOT NULL REFERENCES orders (order_id),
    line_no    integer NOT NULL,
    product_id text    NOT NULL,
    name       text    NOT NULL,
    quantity   integer NOT NULL,
    unit_price bigint  NOT NULL,
    total      bigint  NOT NULL,
    PRIMARY KEY (order_id, line_no),
    CONSTRAINT order_items_product_once UNIQUE (order_id, product_id),
    CONSTRAINT order_items_quantity_positive CHECK (quantity > 0),
    CONSTRAINT order_items_price_not_negative CHECK (unit_price >= 0),
    CONSTRAINT order_items_total_adds_up CHECK (total = unit_price * quantity)
);

COMMENT ON TABLE order_items IS 'The price snapshot of an order, in the currency of the order.';

CREATE TABLE payments (
    payment_id      text        PRIMARY KEY,
    order_id        text        NOT NULL REFERENCES orders (order_id),
    payment_intent  text        NOT NULL,
    status          text        NOT NULL,
    amount          bigint      NOT NULL,
    currency        text        NOT NULL,
    refunded_amount bigint      NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT payments_one_per_order UNIQUE (order_id),
    CONSTRAINT payments_one_per_intent UNIQUE (payment_intent),
    CONSTRAINT payments_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payments_amount_not_negative CHECK (amount >= 0),
    CONSTRAINT payments_refunded_within_amount CHECK (refunded_amount BETWEEN 0 AND amount),
    CONSTRAINT payments_status_tells_refunded CHECK (
        (status = 'CAPTURED' AND refunded_amount = 0)
        OR (status = 'PARTIALLY_REFUNDED' AND refunded_amount > 0 AND refunded_amount < amount)
        OR (status = 'REFUNDED' AND refunded_amount = amount)
    )
);

COMMENT ON COLUMN payments.amount IS 'What was captured, in minor units.';

CREATE TABLE refunds (
    refund_id  text        PRIMARY KEY,
    payment_id text        NOT NULL REFERENCES payments (payment_id),
    order_id   text        NOT NULL REFERENCES orders (order_id),
    amount     bigint      NOT NULL,
    currency   text        NOT NULL,
    reason     text        NOT NULL,
    reference  text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT refunds_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT refunds_amount_positive CHECK (amount > 0)
);

COMMENT ON COLUMN refunds.reference IS 'The refund at the payment provider, or what an operator noted who made it by hand.';

CREATE INDEX refunds_of_payment ON refunds (payment_id);

CREATE INDEX refunds_of_order ON refunds (order_id);

CREATE TABLE order_history (
    order_id text        NOT NULL REFERENCES orders (order_id),
    sequence bigint      NOT NULL,
    status   text        NOT NULL,
    event    text        NOT NULL,
    detail   jsonb       NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (order_id, sequence),
    CONSTRAINT order_history_sequence_counts CHECK (sequence >= 1)
);

COMMENT ON TABLE order_history IS 'What happened to an order, counted from 1 without gaps. No personal data.';

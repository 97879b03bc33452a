WITH revived AS (
    UPDATE orders
    SET status = 'CONFIRMED',
        failure_reason = NULL,
        events = orders.events + 1,
        version = orders.version + 1,
        updated_at = clock_timestamp()
    WHERE orders.order_id = :order_id
        AND orders.status = 'CANCELLED'
        AND orders.failure_reason = :reason
        AND orders.total_amount = CAST(:amount AS bigint)
        AND orders.currency = :currency
        AND NOT EXISTS (SELECT 1 FROM payments WHERE payments.order_id = orders.order_id)
    RETURNING order_id, status, version, events, updated_at
),
payment AS (
    INSERT INTO payments (payment_id, order_id, payment_intent, status, amount, currency)
    SELECT :payment_id, order_id, :payment_intent, 'CAPTURED', CAST(:amount AS bigint), :currency
    FROM revived
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at, event_sequence)
    SELECT order_id, version, status, 'order.confirmed', CAST(:detail AS jsonb), updated_at, events
    FROM revived
)
SELECT
    COALESCE(revived.events, told.event_sequence) AS event_sequence,
    revived.events IS NOT NULL OR payments.payment_intent = :payment_intent AS same
FROM orders
LEFT JOIN revived ON TRUE
LEFT JOIN payments ON payments.order_id = orders.order_id
-- The confirmation by a checkout is told by the first event, which no entry carries.
LEFT JOIN order_history AS told
    ON told.order_id = orders.order_id AND told.event = 'order.confirmed' AND told.event_sequence IS NOT NULL
WHERE orders.order_id = :order_id

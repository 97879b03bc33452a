-- Whatever changes the money of an order locks the order first, then its payment.
WITH locked AS (
    SELECT
        orders.order_id,
        orders.status,
        payments.payment_id,
        payments.currency,
        payments.amount - payments.refunded_amount - payments.refund_pending_amount AS remaining
    FROM orders
    JOIN payments ON payments.order_id = orders.order_id
    WHERE orders.order_id = :order_id
    FOR UPDATE
),
cancelled AS (
    UPDATE orders
    SET status = 'CANCELLED',
        failure_reason = :reason,
        events = orders.events + 1,
        version = orders.version + 1,
        updated_at = clock_timestamp()
    FROM locked
    WHERE orders.order_id = locked.order_id
        AND locked.status = ANY (string_to_array(:from_statuses, ','))
    RETURNING orders.order_id, orders.status, orders.version, orders.events, orders.updated_at
),
claimed AS (
    INSERT INTO refunds (refund_id, payment_id, order_id, amount, currency, reason, status)
    SELECT :refund_id, locked.payment_id, locked.order_id, locked.remaining, locked.currency, :reason, 'PENDING'
    FROM cancelled JOIN locked ON locked.order_id = cancelled.order_id
    WHERE locked.remaining > 0
    RETURNING payment_id, amount, currency
),
payment AS (
    UPDATE payments
    SET refund_pending_amount = payments.refund_pending_amount + claimed.amount
    FROM claimed
    WHERE payments.payment_id = claimed.payment_id
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at, event_sequence)
    SELECT order_id, version, status, 'order.cancelled', CAST(:detail AS jsonb), updated_at, events
    FROM cancelled
)
SELECT
    orders.status,
    orders.caller,
    orders.email,
    orders.failure_reason,
    cancelled.order_id IS NOT NULL AS changed,
    COALESCE(cancelled.events, announced.event_sequence) AS event_sequence,
    payments.payment_intent,
    COALESCE(claimed.amount, known.amount) AS refund_amount,
    COALESCE(claimed.currency, known.currency) AS refund_currency
FROM orders
LEFT JOIN payments ON payments.order_id = orders.order_id
LEFT JOIN cancelled ON TRUE
LEFT JOIN claimed ON TRUE
LEFT JOIN refunds AS known ON known.refund_id = :refund_id
LEFT JOIN order_history AS announced
    ON announced.order_id = orders.order_id
    AND announced.event = 'order.cancelled'
    -- An order that was revived was cancelled by its checkout before it was sold.
    AND announced.event_sequence IS NOT NULL
WHERE orders.order_id = :order_id

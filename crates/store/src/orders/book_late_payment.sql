WITH booked AS (
    UPDATE orders
    SET version = orders.version + 1, updated_at = clock_timestamp()
    WHERE orders.order_id = :order_id
        AND orders.status = 'CANCELLED'
        AND NOT EXISTS (SELECT 1 FROM payments WHERE payments.order_id = orders.order_id)
    RETURNING order_id, status, version, updated_at
),
payment AS (
    INSERT INTO payments
        (payment_id, order_id, payment_intent, status, amount, currency, refunded_amount, refund_pending_amount)
    SELECT :payment_id, order_id, :payment_intent,
        CASE WHEN CAST(:refunded AS bigint) > 0 THEN 'PARTIALLY_REFUNDED' ELSE 'CAPTURED' END,
        CAST(:captured AS bigint), :currency, CAST(:refunded AS bigint),
        CAST(:captured AS bigint) - CAST(:refunded AS bigint)
    FROM booked
),
refund AS (
    INSERT INTO refunds (refund_id, payment_id, order_id, amount, currency, reason, status)
    SELECT :refund_id, :payment_id, order_id, CAST(:captured AS bigint) - CAST(:refunded AS bigint), :currency,
        'late_payment', 'PENDING'
    FROM booked
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at)
    SELECT order_id, version, status, 'order.refund_requested', CAST(:detail AS jsonb), updated_at
    FROM booked
)
SELECT
    EXISTS (SELECT 1 FROM booked)
        OR EXISTS (SELECT 1 FROM refunds WHERE refund_id = :refund_id AND order_id = :order_id) AS booked,
    payments.payment_intent = :payment_intent AS same
FROM orders
LEFT JOIN payments ON payments.order_id = orders.order_id
WHERE orders.order_id = :order_id

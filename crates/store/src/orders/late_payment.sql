-- Whatever changes the money of an order locks the order first, then its payment.
WITH locked AS (
    SELECT order_id, status
    FROM orders
    WHERE order_id = :order_id
    FOR UPDATE
),
payment AS (
    INSERT INTO payments
        (payment_id, order_id, payment_intent, status, amount, currency, refunded_amount, refund_pending_amount)
    SELECT :payment_id, order_id, :payment_intent, 'CAPTURED', CAST(:amount AS bigint), :currency, 0,
        CAST(:amount AS bigint)
    FROM locked
    WHERE status = 'CANCELLED'
    -- Whatever payment is in the books stays what it is.
    ON CONFLICT DO NOTHING
    RETURNING payment_id, order_id, amount, currency
),
claimed AS (
    INSERT INTO refunds (refund_id, payment_id, order_id, amount, currency, reason, status)
    SELECT :refund_id, payment_id, order_id, amount, currency, :reason, 'PENDING'
    FROM payment
    RETURNING refund_id, order_id, amount, currency, reason
),
changed AS (
    UPDATE orders
    SET version = orders.version + 1, updated_at = clock_timestamp()
    FROM claimed
    WHERE orders.order_id = claimed.order_id
    RETURNING orders.order_id, orders.status, orders.version, orders.updated_at
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at)
    SELECT changed.order_id, changed.version, changed.status, 'order.refund_requested',
        jsonb_build_object(
            'refund_id', claimed.refund_id,
            'amount', jsonb_build_object('amount', claimed.amount, 'currency', claimed.currency),
            'reason', claimed.reason
        ),
        changed.updated_at
    FROM changed CROSS JOIN claimed
)
SELECT
    EXISTS (SELECT 1 FROM claimed) AS changed,
    locked.status,
    known.amount AS known_amount,
    known.currency AS known_currency,
    payments.payment_intent AS known_intent
FROM locked
LEFT JOIN refunds AS known ON known.refund_id = :refund_id
LEFT JOIN payments ON payments.payment_id = known.payment_id

-- Whatever changes the money of an order locks the order first, then its payment.
WITH locked AS (
    SELECT
        orders.order_id,
        orders.caller,
        orders.email,
        payments.payment_id,
        payments.payment_intent,
        payments.currency,
        payments.amount - payments.refunded_amount - payments.refund_pending_amount AS remaining
    FROM orders
    JOIN payments ON payments.order_id = orders.order_id
    WHERE payments.payment_id = :payment_id
    FOR UPDATE
),
claimed AS (
    INSERT INTO refunds
        (refund_id, payment_id, order_id, amount, currency, reason, status, fingerprint, request_id)
    SELECT :refund_id, payment_id, order_id, COALESCE(CAST(:amount AS bigint), remaining), currency, :reason, 'PENDING',
        :fingerprint, :request_id
    FROM locked
    WHERE remaining >= COALESCE(CAST(:amount AS bigint), 1)
        AND currency = COALESCE(CAST(:currency AS text), currency)
    ON CONFLICT (refund_id) DO NOTHING
    RETURNING refund_id, payment_id, order_id, amount, reason
),
payment AS (
    UPDATE payments
    SET refund_pending_amount = payments.refund_pending_amount + claimed.amount
    FROM claimed
    WHERE payments.payment_id = claimed.payment_id
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
            'amount', jsonb_build_object('amount', claimed.amount, 'currency', locked.currency),
            'reason', claimed.reason
        ),
        changed.updated_at
    FROM changed CROSS JOIN claimed CROSS JOIN locked
)
SELECT
    locked.order_id,
    locked.caller,
    locked.email,
    locked.payment_intent,
    locked.currency,
    locked.remaining,
    claimed.amount AS claimed_amount,
    known.amount AS known_amount,
    known.status AS known_status,
    known.failure AS known_failure,
    known.fingerprint AS known_fingerprint,
    known.request_id AS known_request_id
FROM locked
LEFT JOIN claimed ON TRUE
LEFT JOIN refunds AS known ON known.refund_id = :refund_id

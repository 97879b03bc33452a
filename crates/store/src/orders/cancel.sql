WITH cancelled AS (
    INSERT INTO orders
        (order_id, caller, email, status, currency, total_amount, fingerprint, request_id, answer, failure_reason,
         version, events)
    VALUES
        (:order_id, :caller, :email, 'CANCELLED', 'XXX', 0, :fingerprint, :request_id, CAST(:answer AS jsonb), :reason,
         1, 1)
    ON CONFLICT (order_id) DO UPDATE
    SET status = EXCLUDED.status,
        answer = EXCLUDED.answer,
        failure_reason = EXCLUDED.failure_reason,
        updated_at = clock_timestamp(),
        version = orders.version + 1,
        -- A checkout has one event, however it ends.
        events = EXCLUDED.events
    WHERE orders.status = ANY (string_to_array(:from_statuses, ','))
        -- A charge that was recorded has to be the one that was given back, all of it.
        AND NOT EXISTS (
            SELECT 1
            FROM payments
            WHERE payments.order_id = orders.order_id
                AND (payments.payment_id, payments.payment_intent, payments.amount, payments.currency,
                     payments.refunded_amount)
                IS DISTINCT FROM (CAST(:payment_id AS text), CAST(:payment_intent AS text),
                     CAST(:captured_amount AS bigint), CAST(:captured_currency AS text), CAST(0 AS bigint))
        )
    RETURNING order_id, status, version, updated_at
),
payment AS (
    INSERT INTO payments
        (payment_id, order_id, payment_intent, status, amount, currency, refunded_amount, refund_pending_amount)
    SELECT CAST(:payment_id AS text), order_id, CAST(:payment_intent AS text),
        CASE :refund_status WHEN 'PENDING' THEN 'CAPTURED' ELSE 'REFUNDED' END,
        CAST(:captured_amount AS bigint), CAST(:captured_currency AS text),
        CASE :refund_status WHEN 'PENDING' THEN 0 ELSE CAST(:captured_amount AS bigint) END,
        CASE :refund_status WHEN 'PENDING' THEN CAST(:captured_amount AS bigint) ELSE 0 END
    FROM cancelled
    WHERE CAST(:payment_id AS text) IS NOT NULL
    ON CONFLICT (payment_id) DO UPDATE
    SET status = EXCLUDED.status,
        refunded_amount = EXCLUDED.refunded_amount,
        refund_pending_amount = payments.refund_pending_amount + EXCLUDED.refund_pending_amount
    RETURNING payment_id, order_id, amount, currency
),
refund AS (
    INSERT INTO refunds
        (refund_id, payment_id, order_id, amount, currency, reason, status, reference, settled_at)
    SELECT CAST(:refund_id AS text), payment_id, order_id, amount, currency, :reason, CAST(:refund_status AS text),
        CAST(:reference AS text), CASE :refund_status WHEN 'PENDING' THEN NULL ELSE clock_timestamp() END
    FROM payment
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at)
    SELECT order_id, version, status, 'order.cancelled', CAST(:detail AS jsonb), updated_at
    FROM cancelled
)
SELECT
    EXISTS (SELECT 1 FROM cancelled) AS changed,
    orders.status,
    payments.payment_id,
    payments.payment_intent,
    payments.amount,
    payments.currency,
    payments.refunded_amount,
    EXISTS (SELECT 1 FROM refunds WHERE refund_id = CAST(:refund_id AS text) AND order_id = :order_id) AS refund_recorded
FROM (SELECT 1) AS always
LEFT JOIN orders ON orders.order_id = :order_id
LEFT JOIN payments ON payments.order_id = orders.order_id

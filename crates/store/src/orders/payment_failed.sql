WITH failed AS (
    UPDATE orders
    SET status = 'PAYMENT_FAILED',
        payment_attempts = CAST(:attempt AS bigint),
        updated_at = clock_timestamp(),
        version = version + 1
    WHERE order_id = :order_id
        AND status = ANY (string_to_array(:from_statuses, ','))
        AND payment_attempts < CAST(:attempt AS bigint)
    RETURNING order_id, status, version, updated_at
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at)
    SELECT order_id, version, status, 'order.payment_failed', CAST(:detail AS jsonb), updated_at
    FROM failed
)
SELECT EXISTS (SELECT 1 FROM failed) AS changed, status, payment_attempts
FROM orders
WHERE order_id = :order_id

WITH confirmed AS (
    UPDATE orders
    SET status = 'CONFIRMED',
        answer = CAST(:answer AS jsonb),
        failure_reason = NULL,
        updated_at = clock_timestamp(),
        version = version + 1,
        -- A checkout has one event, however it ends.
        events = 1
    WHERE order_id = :order_id
        AND status = ANY (string_to_array(:from_statuses, ','))
        AND total_amount = CAST(:amount AS bigint)
        AND currency = :currency
    RETURNING order_id, status, version, updated_at
),
payment AS (
    INSERT INTO payments (payment_id, order_id, payment_intent, status, amount, currency)
    SELECT :payment_id, order_id, :payment_intent, 'CAPTURED', CAST(:amount AS bigint), :currency
    FROM confirmed
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at)
    SELECT order_id, version, status, 'order.confirmed', CAST(:detail AS jsonb), updated_at
    FROM confirmed
)
SELECT
    EXISTS (SELECT 1 FROM confirmed) AS changed,
    orders.status,
    orders.currency,
    orders.total_amount,
    payments.payment_id,
    payments.payment_intent,
    orders.answer = CAST(:answer AS jsonb) AS same_answer
FROM orders
LEFT JOIN payments ON payments.order_id = orders.order_id
WHERE orders.order_id = :order_id

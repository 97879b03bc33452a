SELECT
    orders.order_id,
    orders.caller,
    orders.email,
    orders.status,
    orders.currency,
    orders.total_amount,
    orders.fingerprint,
    orders.request_id,
    CAST(orders.answer AS text) AS answer,
    orders.failure_reason,
    CAST(EXTRACT(EPOCH FROM orders.created_at) * 1000000 AS bigint) AS created_at,
    CAST(EXTRACT(EPOCH FROM orders.updated_at) * 1000000 AS bigint) AS updated_at,
    orders.version,
    orders.events,
    (
        SELECT CAST(COALESCE(json_agg(json_build_object(
            'payment_id', payment_id,
            'payment_intent', payment_intent,
            'status', status,
            'amount', amount,
            'currency', currency,
            'refunded_amount', refunded_amount,
            'refund_pending_amount', refund_pending_amount,
            'created_at', CAST(EXTRACT(EPOCH FROM created_at) * 1000000 AS bigint)
        )), '[]') AS text)
        FROM payments
        WHERE payments.order_id = orders.order_id
    ) AS payments,
    (
        SELECT CAST(COALESCE(json_agg(json_build_object(
            'refund_id', refund_id,
            'payment_id', payment_id,
            'amount', amount,
            'currency', currency,
            'reason', reason,
            'status', status,
            'reference', reference,
            'failure', failure,
            'created_at', CAST(EXTRACT(EPOCH FROM created_at) * 1000000 AS bigint)
        ) ORDER BY created_at, refund_id), '[]') AS text)
        FROM refunds
        WHERE refunds.order_id = orders.order_id
    ) AS refunds,
    (
        SELECT CAST(COALESCE(json_agg(json_build_object(
            'carrier', carrier,
            'tracking_number', tracking_number,
            'shipped_at', CAST(EXTRACT(EPOCH FROM shipped_at) * 1000000 AS bigint),
            'delivered_at', CAST(EXTRACT(EPOCH FROM delivered_at) * 1000000 AS bigint)
        )), '[]') AS text)
        FROM shipments
        WHERE shipments.order_id = orders.order_id
    ) AS shipments
FROM orders
WHERE orders.order_id = :order_id

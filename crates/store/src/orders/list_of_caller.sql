SELECT
    orders.order_id,
    orders.caller,
    orders.status,
    orders.currency,
    orders.total_amount,
    CAST(EXTRACT(EPOCH FROM orders.created_at) * 1000000 AS bigint) AS created_at,
    COALESCE((SELECT SUM(quantity) FROM order_items WHERE order_items.order_id = orders.order_id), 0) AS pieces,
    COALESCE((SELECT refunded_amount FROM payments WHERE payments.order_id = orders.order_id), 0) AS refunded_amount
FROM orders
WHERE orders.caller = :caller
    AND orders.status = ANY (string_to_array(:statuses, ','))
    AND orders.created_at >= TIMESTAMPTZ 'epoch' + CAST(:since AS bigint) * INTERVAL '1 microsecond'
    AND (orders.created_at, orders.order_id)
        < (TIMESTAMPTZ 'epoch' + CAST(:before AS bigint) * INTERVAL '1 microsecond', :before_id)
ORDER BY orders.created_at DESC, orders.order_id DESC
LIMIT CAST(:page AS bigint)

SELECT
    newest.order_id,
    newest.caller,
    newest.status,
    newest.currency,
    newest.total_amount,
    CAST(EXTRACT(EPOCH FROM newest.created_at) * 1000000 AS bigint) AS created_at,
    COALESCE((SELECT SUM(quantity) FROM order_items WHERE order_items.order_id = newest.order_id), 0) AS pieces,
    COALESCE((SELECT refunded_amount FROM payments WHERE payments.order_id = newest.order_id), 0) AS refunded_amount
FROM (
    -- A page of each status, each read from the index in the order of the list, is enough to make a page of all.
    SELECT page.*
    FROM unnest(string_to_array(:statuses, ',')) AS wanted (status)
    CROSS JOIN LATERAL (
        SELECT order_id, caller, status, currency, total_amount, created_at
        FROM orders
        WHERE orders.status = wanted.status
            AND orders.created_at >= TIMESTAMPTZ 'epoch' + CAST(:since AS bigint) * INTERVAL '1 microsecond'
            AND (orders.created_at, orders.order_id)
                < (TIMESTAMPTZ 'epoch' + CAST(:before AS bigint) * INTERVAL '1 microsecond', :before_id)
        ORDER BY orders.created_at DESC, orders.order_id DESC
        LIMIT CAST(:page AS bigint)
    ) AS page
    ORDER BY created_at DESC, order_id DESC
    LIMIT CAST(:page AS bigint)
) AS newest
ORDER BY newest.created_at DESC, newest.order_id DESC

SELECT
    page.order_id,
    page.status,
    page.events,
    CAST(EXTRACT(EPOCH FROM page.updated_at) * 1000000 AS bigint) AS updated_at
FROM unnest(string_to_array(:statuses, ',')) AS wanted (status)
-- A page of each status, read from its index in the order of the list, is enough to make a page of all.
CROSS JOIN LATERAL (
    SELECT order_id, status, events, updated_at
    FROM orders
    WHERE orders.status = wanted.status
        AND orders.updated_at < TIMESTAMPTZ 'epoch' + CAST(:until AS bigint) * INTERVAL '1 microsecond'
        AND (orders.updated_at, orders.order_id)
            > (TIMESTAMPTZ 'epoch' + CAST(:after AS bigint) * INTERVAL '1 microsecond', :after_id)
    ORDER BY orders.updated_at, orders.order_id
    LIMIT CAST(:page AS bigint)
) AS page
ORDER BY page.updated_at, page.order_id
LIMIT CAST(:page AS bigint)
